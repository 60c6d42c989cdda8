// The AWS SDK for JavaScript as its documents show it: endpoint and keys come from the environment.
// It holds the conversation that ../caller.py describes, and reports the same events.

import { readFileSync } from "node:fs";
import {
  BedrockRuntimeClient,
  InvokeModelWithBidirectionalStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttp2Handler } from "@smithy/node-http-handler";

const RATE = 16_000;
const BYTES = 1024; // 32 ms
const HEARD = 1.0; // seconds of the answer that have come when the caller interrupts it
const PATIENCE = 60_000;
const DEADLINE = 300_000;
const LAST_WORDS = "You can hang up now.";
const TEXT = { mediaType: "text/plain" };
const PCM = {
  mediaType: "audio/lpcm",
  sampleRateHertz: RATE,
  sampleSizeBits: 16,
  channelCount: 1,
  encoding: "base64",
  audioType: "SPEECH",
};
const PROMPT = "prompt";
const LINE = "line";
const [question, objection] = process.argv.slice(2).map((name) => readFileSync(name));

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What happened so far; each event is a line of JSON on stdout. */
class Story {
  events = [];
  #watchers = new Set();
  #playedAt = 0;

  add(event, fields = {}) {
    this.events.push({ event, ...fields });
    console.log(JSON.stringify(this.events.at(-1)));
    for (const look of this.#watchers) look();
  }

  audio(pcm) {
    this.add("audio", { bytes: pcm.length });
    this.#playedAt = Math.max(this.#playedAt, Date.now()) + (1000 * pcm.length) / 2 / RATE;
  }

  interrupted() {
    this.add("interrupted");
    this.#playedAt = 0;
  }

  played() {
    return pause(Math.max(0, this.#playedAt - Date.now()) + 1000);
  }

  since(event) {
    return this.events.slice(this.events.findLastIndex((one) => one.event === event) + 1);
  }

  secondsSince(event) {
    return this.since(event).reduce((bytes, one) => bytes + (one.bytes ?? 0), 0) / 2 / RATE;
  }

  until(what, happened) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), PATIENCE);
      const look = () => {
        if (!happened()) return;
        clearTimeout(late);
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }
}

/** What the client has still to send: an async iterable, as the SDK wants its body. */
class Outbox {
  #waiting = [];
  #wake = () => {};
  #closed = false;

  send(name, body = {}) {
    const content = name.startsWith("session") ? body : { promptName: PROMPT, ...body };
    const bytes = new TextEncoder().encode(JSON.stringify({ event: { [name]: content } }));
    this.#waiting.push({ chunk: { bytes } });
    this.#wake();
  }

  text(role, content, interactive) {
    const contentName = crypto.randomUUID();
    this.send("contentStart", { contentName, type: "TEXT", role, interactive, textInputConfiguration: TEXT });
    this.send("textInput", { contentName, content });
    this.send("contentEnd", { contentName });
  }

  close() {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift();
      if (this.#closed) return;
      await new Promise((wake) => (this.#wake = wake));
    }
  }
}

/** Sends a piece every 32 ms: what is to be said, and silence otherwise. */
class Microphone {
  #unspoken = Buffer.alloc(0);
  #done = () => {};

  start(outbox) {
    let sent = 0;
    const began = performance.now();
    const timer = setInterval(() => {
      for (; sent * 32 <= performance.now() - began; sent++) outbox.send("audioInput", this.#piece());
    }, 32);
    return () => clearInterval(timer);
  }

  say(pcm) {
    this.#unspoken = pcm;
    return new Promise((done) => (this.#done = done));
  }

  #piece() {
    const piece = Buffer.alloc(BYTES);
    this.#unspoken.copy(piece, 0, 0, BYTES);
    this.#unspoken = this.#unspoken.subarray(BYTES);
    if (this.#unspoken.length === 0) this.#done();
    return { contentName: LINE, content: piece.toString("base64") };
  }
}

function open(outbox) {
  const schema = {
    type: "object",
    properties: { location: { type: "string" }, format: { type: "string", enum: ["celsius", "fahrenheit"] } },
    required: ["location", "format"],
  };
  const tool = {
    name: "get_current_weather",
    description: "Get the weather of this moment in a place.",
    inputSchema: { json: JSON.stringify(schema) },
  };
  outbox.send("sessionStart", { inferenceConfiguration: { maxTokens: 1024, topP: 0.9, temperature: 0.7 } });
  outbox.send("promptStart", {
    textOutputConfiguration: TEXT,
    audioOutputConfiguration: { ...PCM, voiceId: "matthew" },
    toolUseOutputConfiguration: { mediaType: "application/json" },
    toolConfiguration: { tools: [{ toolSpec: tool }] },
  });
  outbox.text("SYSTEM", "You are a friendly assistant on the telephone. Answer in one short sentence.", false);
  outbox.send("contentStart", {
    contentName: LINE,
    type: "AUDIO",
    role: "USER",
    interactive: true,
    audioInputConfiguration: PCM,
  });
}

function answerTool(outbox, story, { toolUseId, content }) {
  const { location, format } = JSON.parse(content);
  story.add("tool", { location, format });
  const contentName = crypto.randomUUID();
  outbox.send("contentStart", {
    contentName,
    type: "TOOL",
    role: "TOOL",
    interactive: false,
    toolResultInputConfiguration: { toolUseId, type: "TEXT", textInputConfiguration: TEXT },
  });
  const result = { location, temperature: 21, conditions: "partly_cloudy", format };
  outbox.send("toolResult", { contentName, content: JSON.stringify(result) });
  outbox.send("contentEnd", { contentName });
}

async function listen(body, outbox, story) {
  for await (const received of body) {
    const [[name, content]] = Object.entries(JSON.parse(new TextDecoder().decode(received.chunk.bytes)).event);
    if (name === "audioOutput") story.audio(Buffer.from(content.content, "base64"));
    if (name === "textOutput") story.add("text", { role: content.role, text: content.content });
    if (name === "toolUse") answerTool(outbox, story, content);
    if (name === "contentEnd" && content.stopReason === "INTERRUPTED") story.interrupted();
    if (name === "contentEnd" && content.type === "AUDIO" && content.stopReason === "END_TURN")
      story.add("answer_ended");
  }
  story.add("stream_ended");
}

const answered = (events, words = "") => {
  if (!events.some((one) => (one.text ?? "").includes(words))) return false;
  const heard = events.map((one) => one.event).filter((name) => ["audio", "answer_ended"].includes(name));
  return heard.includes("audio") && heard.at(-1) === "answer_ended";
};

async function hold(story, outbox, microphone) {
  outbox.text("USER", "Greet the caller.", true);
  await story.until("the greeting", () => answered(story.events));
  await story.played();
  await microphone.say(question);
  await story.until("the tool", () => story.events.some((one) => one.event === "tool"));
  await story.until("the answer", () => story.secondsSince("tool") >= HEARD);
  story.add("barge_in");
  microphone.say(objection);
  await story.until("the interruption", () => story.since("barge_in").some((one) => one.event === "interrupted"));
  await story.until("the next answer", () => answered(story.since("interrupted"), LAST_WORDS));
  await story.played();
  story.add("leaving");
}

setTimeout(() => process.exit(2), DEADLINE).unref();
const client = new BedrockRuntimeClient({ requestHandler: new NodeHttp2Handler({ sessionTimeout: DEADLINE }) });
const [story, outbox, microphone] = [new Story(), new Outbox(), new Microphone()];
open(outbox);
const command = new InvokeModelWithBidirectionalStreamCommand({ modelId: "amazon.nova-2-sonic-v1:0", body: outbox });
const answer = await client.send(command);
const listening = listen(answer.body, outbox, story);
const stop = microphone.start(outbox);
await Promise.race([hold(story, outbox, microphone), listening]);
stop();
outbox.send("contentEnd", { contentName: LINE });
outbox.send("promptEnd");
outbox.send("sessionEnd");
outbox.close();
await listening;
client.destroy();
story.add("ended");

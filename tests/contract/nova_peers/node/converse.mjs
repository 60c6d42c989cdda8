// Hold the scripted conversation with the AWS SDK for JavaScript and print every event as a JSON line.
// The SDK stands alone here: no code of the product, none of the stand-in. In Python: ../python/converse.py.

import {
  BedrockRuntimeClient,
  InvokeModelWithBidirectionalStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttp2Handler } from "@smithy/node-http-handler";

const RATE = 8000;
const CHUNK = 320;
const PATIENCE = 60_000;
const TEXT = { mediaType: "text/plain" };
const FORMAT = {
  mediaType: "audio/lpcm",
  sampleRateHertz: RATE,
  sampleSizeBits: 16,
  channelCount: 1,
  encoding: "base64",
  audioType: "SPEECH",
};

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What the client has still to send: an async iterable, as the SDK wants its body. */
class Outbox {
  #waiting = [];
  #wake = () => {};
  #closed = false;

  put(name, body) {
    const content = name.startsWith("session") ? body : { promptName: "p", ...body };
    const bytes = new TextEncoder().encode(JSON.stringify({ event: { [name]: content } }));
    this.#waiting.push({ chunk: { bytes } });
    this.#wake();
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

class Talk {
  outbox = new Outbox();
  events = [];
  loud = false;
  #watchers = new Set();

  text(contentName, role, content, interactive) {
    this.outbox.put("contentStart", { contentName, type: "TEXT", role, interactive, textInputConfiguration: TEXT });
    this.outbox.put("textInput", { contentName, content });
    this.outbox.put("contentEnd", { contentName });
  }

  answerTool(toolUseId, result) {
    const contentName = "result";
    this.outbox.put("contentStart", {
      contentName,
      type: "TOOL",
      role: "TOOL",
      interactive: false,
      toolResultInputConfiguration: { toolUseId, type: "TEXT", textInputConfiguration: TEXT },
    });
    this.outbox.put("toolResult", { contentName, content: JSON.stringify(result) });
    this.outbox.put("contentEnd", { contentName });
  }

  microphone() {
    const [loud, quiet] = [6000, 0].map((amplitude) => {
      const samples = Int16Array.from({ length: CHUNK }, (_, index) => (index % 2 ? -amplitude : amplitude));
      return Buffer.from(samples.buffer).toString("base64");
    });
    return setInterval(
      () => this.outbox.put("audioInput", { contentName: "line", content: this.loud ? loud : quiet }),
      (1000 * CHUNK) / RATE,
    );
  }

  async saySomething() {
    this.loud = true;
    await pause(500);
    this.loud = false;
  }

  async listen(body) {
    for await (const received of body) {
      const [[name, content]] = Object.entries(JSON.parse(new TextDecoder().decode(received.chunk.bytes)).event);
      if (name === "audioOutput") content.content = Buffer.from(content.content, "base64").length;
      console.log(JSON.stringify({ [name]: content }));
      this.events.push([name, content]);
      for (const look of this.#watchers) look();
    }
  }

  /** Wait for the `count`th event of a kind. */
  until(name, fits = () => true, count = 1) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${name} (${count})`)), PATIENCE);
      const look = () => {
        const found = this.events.filter(([kind, content]) => kind === name && fits(content));
        if (found.length < count) return;
        clearTimeout(late);
        this.#watchers.delete(look);
        resolve(found[count - 1][1]);
      };
      this.#watchers.add(look);
      look();
    });
  }
}

function openSession(talk) {
  const schema = JSON.stringify({ type: "object", properties: { location: { type: "string" } } });
  const tool = { name: "get_current_weather", description: "Weather now.", inputSchema: { json: schema } };
  talk.outbox.put("sessionStart", { inferenceConfiguration: { maxTokens: 1024, topP: 0.9, temperature: 0.7 } });
  talk.outbox.put("promptStart", {
    textOutputConfiguration: TEXT,
    audioOutputConfiguration: { ...FORMAT, voiceId: "amy" },
    toolUseOutputConfiguration: { mediaType: "application/json" },
    toolConfiguration: { tools: [{ toolSpec: tool }] },
  });
  talk.text("system", "SYSTEM", "You are a friendly assistant.", false);
  talk.outbox.put("contentStart", {
    contentName: "line",
    type: "AUDIO",
    role: "USER",
    interactive: true,
    audioInputConfiguration: FORMAT,
  });
}

/** Greeting by text; a spoken question with a tool; a barge-in; the end in order. */
async function converse(talk) {
  const microphone = talk.microphone();
  talk.text("hello", "USER", "hello", true);
  await talk.until("usageEvent");
  await talk.saySomething();
  const toolUse = await talk.until("toolUse");
  talk.answerTool(toolUse.toolUseId, { conditions: "clear", temperature: 21, format: "celsius" });
  await talk.until("contentEnd", (content) => content.type === "AUDIO", 3);
  await talk.saySomething();
  await talk.until("contentEnd", (content) => content.stopReason === "INTERRUPTED");
  await talk.until("usageEvent", undefined, 3);
  clearInterval(microphone);
  talk.outbox.put("contentEnd", { contentName: "line" });
  talk.outbox.put("promptEnd", {});
  talk.outbox.put("sessionEnd", {});
  talk.outbox.close();
}

const [endpoint] = process.argv.slice(2);
const client = new BedrockRuntimeClient({
  endpoint,
  region: "eu-north-1",
  credentials: { accessKeyId: "standin", secretAccessKey: "standin-secret" },
  requestHandler: new NodeHttp2Handler({ requestTimeout: 25_000, sessionTimeout: 25_000 }),
});
const talk = new Talk();
openSession(talk);
const answer = await client.send(
  new InvokeModelWithBidirectionalStreamCommand({ modelId: "amazon.nova-2-sonic-v1:0", body: talk.outbox }),
);
await Promise.all([talk.listen(answer.body), converse(talk)]);
console.log(JSON.stringify({ ended: {} }));
client.destroy();

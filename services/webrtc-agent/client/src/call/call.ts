/** One visitor's call: the client, its deadlines, and what the page is told of both. */

import type { PipecatClient, RTVIEventCallbacks, Transport } from "@pipecat-ai/client-js";
import { choices, choose } from "../controls/choices";
import type { Item } from "../conversation/items";
import { microphonePermission, obstacle } from "../media/preflight";
import type { SoundNews } from "../media/sound";
import { consent, loadNotice, mayStart } from "../notice/notice";
import { contactIn } from "../people/contact";
import { deviceChange, type Problem, problem, Trouble } from "../problems/problems";
import { isFull } from "../queue/place";
import { inTurn } from "../queue/turn";
import { connectionParameters, deviceCallbacks, microphoneTrouble, restoreDevices } from "./connecting";
import { InterruptibleClient } from "./interruptible";
import { conversationCallbacks, endingIn } from "./messages";
import { type Line, peerTransport, type WatchedTransport } from "./peer";
import { type Carrier, carrier, type Started, start } from "./start";
import { BEFORE, type CallEvent, type CallState, isLive, next } from "./state";

/** A network that lets the sound through does so within two seconds; Daily's own join gives up after 19 s. */
const CONNECT_MS: Record<Carrier, number> = { webrtc: 10_000, daily: 22_000 };
/** The service forgets a visitor it has not heard of for 12 s; a few more for the way back. */
const RECONNECT_MS = 20_000;
/** Sound and reports in flight: a silence this long after the agent's last sound means that it has said all. */
const FINISHED_MS = 900;
/** No answer to what may have been a cough. */
const NOTHING_CAME_MS = 12_000;
/** The last syllable is often said while the key already goes up. */
const RELEASE_MS = 250;
const HUNG_UP = "You ended the conversation.";
const LEFT = "The agent ended the conversation.";

export class Call {
  private state: CallState = BEFORE;
  private readonly watchers = new Set<() => void>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private client: PipecatClient | null = null;
  private attempt: AbortController | null = null;
  private ending: string | null = null;

  /** Gets the client of each conversation; the developers' console watches it. */
  onClient: (client: PipecatClient) => void = () => undefined;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly snapshot = (): CallState => this.state;

  /** The one button: explain the microphone first, unless it has been allowed already. */
  async talk(): Promise<void> {
    const inTheWay = mayStart() ? obstacle() : problem("consent");
    if (inTheWay) {
      this.tell({ type: "notice", problem: inTheWay });
    } else if ((await microphonePermission()) === "granted") {
      await this.open({ typing: false });
    } else {
      this.tell({ type: "asking" });
    }
  }

  /** Try again, the way it was: who typed is not asked for a microphone now, who had no sound gets none. */
  async again(): Promise<void> {
    const { typing, silent } = this.state;
    await (typing ? this.open({ typing, silent }) : this.talk());
  }

  /** Start the conversation; to talk, the browser asks for the microphone now. Who types reads, unless they want sound. */
  async open({ typing, silent = typing }: { typing: boolean; silent?: boolean }): Promise<void> {
    if (this.attempt) {
      return;
    }
    if (!mayStart()) {
      this.tell({ type: "notice", problem: problem("consent") });
      return;
    }
    this.attempt = new AbortController();
    const { signal } = this.attempt;
    this.ending = null;
    choose({ mode: typing ? "type" : "talk" });
    this.tell({ type: "opening", phase: typing ? "connecting" : "microphone", typing, silent });
    try {
      await this.connect(typing, signal);
    } catch (error) {
      if (!signal.aborted) {
        if (error instanceof Trouble && error.problem.kind === "consent") {
          void loadNotice();
        }
        await this.stop(null, error instanceof Trouble ? error.problem : problem("failed"));
      }
    }
  }

  /** Send typed words. */
  type(words: string): void {
    this.tell({ type: "transcript", event: { type: "visitor-typed", text: words } });
    this.tell({ type: "activity", event: "visitor-typed" });
    void this.client?.sendText(words, { run_immediately: true, audio_response: true });
  }

  mute(muted: boolean): void {
    this.client?.enableMic(!muted);
    this.tell({ type: "muted", muted });
  }

  /** Turn the agent's sound off here and at its source, or on again. */
  silence(silent: boolean): void {
    this.tell({ type: "silent", silent });
    try {
      this.client?.sendClientMessage("audio-output", { enabled: !silent });
    } catch {
      // The line is broken; here it is silent all the same.
    }
  }

  /** Go on by voice in a conversation that was typed so far. */
  addMicrophone(): void {
    this.client?.enableMic(true);
  }

  /** Mute except while the visitor holds a key or a button, or end that. */
  pushToTalk(on: boolean): void {
    choose({ pushToTalk: on });
    if (isLive(this.state.phase) && !this.state.typing) {
      this.mute(on);
    }
  }

  /** Talk for as long as a key or a button is held, where that is how the visitor talks. */
  hold(held: boolean): void {
    const { phase, typing, muted } = this.state;
    if (!(choices().pushToTalk && isLive(phase)) || typing) {
      return;
    }
    this.forget("release");
    if (held) {
      this.mute(false);
    } else if (!muted) {
      this.after("release", RELEASE_MS, () => this.mute(true));
    }
  }

  /** Show that the microphone hears a voice, or does not any more. */
  voice(voice: boolean): void {
    if (voice !== this.state.voice) {
      this.tell({ type: "voice", voice });
    }
  }

  chooseMicrophone(id: string): void {
    choose({ microphone: id });
    this.client?.updateMic(id);
    this.tell({ type: "devices", devices: { microphone: id } });
  }

  chooseSpeaker(id: string): void {
    choose({ speaker: id });
    this.client?.updateSpeaker(id);
    this.tell({ type: "devices", devices: { speaker: id } });
  }

  /** Replace the transcript: with nothing, or with what was said before. */
  showItems(items: readonly Item[]): void {
    this.tell({ type: "items", items });
  }

  dismiss(): void {
    this.tell({ type: "notice", problem: null });
  }

  async hangUp(): Promise<void> {
    await this.stop(HUNG_UP, null);
  }

  /** Go through all steps up to the agent's first word; a visitor who hangs up in between ends it at that step. */
  private async connect(typing: boolean, signal: AbortSignal): Promise<void> {
    const by = await carrier();
    const transport = await this.transport(by);
    signal.throwIfAborted();
    const client = new InterruptibleClient({
      transport,
      enableMic: !typing,
      callbacks: this.callbacks(),
    });
    client.onInterrupted = () => this.tell({ type: "transcript", event: { type: "agent-cut" } });
    this.client = client;
    this.onClient(client);
    if (!typing) {
      await this.openMicrophone(client, by);
      signal.throwIfAborted();
    }
    const started = await this.inTurn(by, client, typing, signal);
    signal.throwIfAborted();
    const connected = client.connect(connectionParameters(started)).catch(refused(by));
    await Promise.race([connected, this.deadline(by, client)]);
    signal.throwIfAborted();
    this.tell({ type: "ready" });
  }

  /** Start, or wait for a place with the microphone closed: nobody would hear what it takes in. */
  private async inTurn(
    by: Carrier,
    client: PipecatClient,
    typing: boolean,
    signal: AbortSignal,
  ): Promise<Started> {
    return await inTurn(
      (more) => start(by, this.state.silent, { ...more, ...consent() }),
      signal,
      (place) => {
        if (!typing && (place === null) !== (this.state.waiting === null)) {
          client.enableMic(place === null);
          (client.transport as unknown as Partial<Pick<WatchedTransport, "rest">>).rest?.(place !== null);
        }
        this.tell({ type: "waiting", place });
      },
    );
  }

  private async openMicrophone(client: PipecatClient, by: Carrier): Promise<void> {
    await client.initDevices();
    const trouble = microphoneTrouble(client.mediaState.mic);
    if (trouble) {
      throw trouble;
    }
    restoreDevices(client, this.state.devices, by);
    this.tell({ type: "opening", phase: "connecting", typing: false });
    if (choices().pushToTalk) {
      this.mute(true);
    }
  }

  private async transport(by: Carrier): Promise<Transport> {
    return by === "daily" ? await dailyTransport() : peerTransport(this.line, this.sound, this.news);
  }

  /** Reject when the connection takes longer than a working one ever does. */
  private deadline(by: Carrier, client: PipecatClient): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.after("connect", CONNECT_MS[by], () => {
        const reached = client.state === "connected" || client.state === "ready";
        reject(new Trouble(problem(reached ? "no-agent" : by === "daily" ? "daily" : "no-route")));
      });
    });
  }

  private callbacks(): RTVIEventCallbacks {
    return {
      ...conversationCallbacks(this.tell),
      ...deviceCallbacks(this.tell, () => this.state.typing),
      onServerMessage: (message) => {
        this.ending = endingIn(message) ?? this.ending;
        if (isFull(message)) {
          void this.stop(null, problem("busy", { wait: 2 }));
        }
        const contact = contactIn(message);
        if (contact) {
          this.tell({ type: "transcript", event: { type: "contact-shown", contact } });
        }
      },
      onBotDisconnected: () => {
        this.ending ??= LEFT;
      },
      onMessageError: (message) => {
        const { error } = message.data as { error?: string };
        this.tell({ type: "notice", problem: problem("not-taken", error ? { said: error } : {}) });
      },
      onError: (message) => {
        const { fatal, error } = message.data as { fatal?: boolean; error?: string };
        if (fatal) {
          void this.stop(null, problem("failed", error ? { said: error } : {}));
        }
      },
      onDisconnected: () => {
        if (isLive(this.state.phase)) {
          void this.stop(this.ending, this.ending === null ? problem("lost") : null);
        }
      },
    };
  }

  private readonly line = (line: Line): void => {
    this.tell({ type: "line", steady: line === "steady" });
    if (line === "steady") {
      this.forget("line");
    } else {
      this.after("line", RECONNECT_MS, () => void this.stop(null, problem("lost")));
    }
  };

  private readonly sound = (track: MediaStreamTrack): void => {
    this.tell({ type: "track", whose: "agent", track });
  };

  private readonly news = (news: SoundNews): void => {
    this.tell(
      news.type === "heard" ? news : { type: "notice", problem: deviceChange(news.kind, news.label) },
    );
  };

  private async stop(ending: string | null, what: Problem | null): Promise<void> {
    const client = this.client;
    this.attempt?.abort();
    this.client = this.attempt = null;
    for (const name of this.timers.keys()) {
      this.forget(name);
    }
    this.tell({ type: "stopped", ending, problem: what });
    // The page has moved on: what the client still says about its end is of no interest to anyone.
    await client?.disconnect().catch(() => undefined);
  }

  private readonly tell = (event: CallEvent): void => {
    this.state = next(this.state, event);
    if (event.type === "activity") {
      this.wait(event.event);
    } else if (event.type === "ready") {
      this.forget("connect");
    }
    for (const watcher of this.watchers) {
      watcher();
    }
  };

  private wait(event: string): void {
    if (event === "agent-stopped") {
      this.after("finished", FINISHED_MS, () =>
        this.tell({ type: "transcript", event: { type: "agent-finished" } }),
      );
    } else if (event === "agent-started") {
      this.forget("finished");
    }
    this.forget("nothing");
    if (this.state.activity === "thinking") {
      this.after("nothing", NOTHING_CAME_MS, () => this.tell({ type: "activity", event: "nothing-came" }));
    }
  }

  private after(name: string, milliseconds: number, then: () => void): void {
    this.forget(name);
    this.timers.set(name, setTimeout(then, milliseconds));
  }

  private forget(name: string): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }
}

/** Load what Daily needs; a page of a version that is gone reloads itself then, or says that it must be. */
async function dailyTransport(): Promise<Transport> {
  const part = await import("./daily").catch(() => {
    dispatchEvent(new Event("outdated")); // public/recover.js reloads
    throw new Trouble(problem("outdated"));
  });
  return part.dailyTransport();
}

function refused(by: Carrier): (error: unknown) => never {
  return (error) => {
    const status = (error as { status?: number }).status;
    if (status === 429 || status === 503) {
      throw new Trouble(problem("busy", { wait: 2 })); // others were there first; the next start waits
    }
    throw new Trouble(problem(by === "daily" ? "daily" : status ? "refused" : "no-route"));
  };
}

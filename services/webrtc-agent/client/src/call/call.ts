/** One visitor's call: the client, its deadlines, and the events of both for the page. */

import type { PipecatClient, RTVIEventCallbacks, Transport } from "@pipecat-ai/client-js";
import { choices, choose } from "../controls/choices";
import type { Item } from "../conversation/items";
import { microphonePermission, obstacle } from "../media/preflight";
import { BrowserSound, type SoundNews } from "../media/sound";
import { consent, loadNotice, mayStart } from "../notice/notice";
import { contactIn } from "../people/contact";
import { type Cause, outageOver } from "../problems/outage";
import { deviceChange, type Problem, problem, Trouble } from "../problems/problems";
import { isFull } from "../queue/place";
import { inTurn } from "../queue/turn";
import { t } from "../texts/texts";
import { connectionParameters, deviceCallbacks, microphoneTrouble, restoreDevices } from "./connecting";
import { InterruptibleClient } from "./interruptible";
import { forgetKept, holdAlone, type Kept, keep, kept } from "./kept";
import { LineWatch } from "./line";
import { conversationCallbacks, endingIn, pausedIn, segmentsIn } from "./messages";
import { type Line, peerTransport, type WatchedTransport } from "./peer";
import { recover } from "./recovery";
import { type Carrier, type Claim, carrier, type Started, start } from "./start";
import { BEFORE, type CallEvent, type CallState, isLive, next } from "./state";

/** A network that passes audio does so within two seconds; Daily's own join gives up after 19 s. */
const CONNECT_MS: Record<Carrier, number> = { webrtc: 10_000, daily: 22_000 };
/** Longest wait for a lost connection when the service has sent no token to resume with. */
const RECONNECT_MS = 12_000;
/** How often the tab saves what it needs to resume. */
const KEEP_MS = 1000;
/** For the last message to be sent before the connection is closed. */
const LAST_WORD_MS = 200;
/** Time limit for one try to resume a conversation that has ended. */
const RETRY_MS = 10_000;
/** Audio and reports may still be in flight. After a silence this long the agent has finished speaking. */
const FINISHED_MS = 900;
/** Back to listening without an answer: the sound may have been a cough. */
const NOTHING_CAME_MS = 12_000;
/** Visitors often say the last syllable while they release the key. */
const RELEASE_MS = 250;

export class Call {
  private state: CallState = BEFORE;
  private readonly watchers = new Set<() => void>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private client: PipecatClient | null = null;
  private attempt: AbortController | null = null;
  private ending: string | null = null;
  private kept: Kept | null = null;
  private recovery: AbortController | null = null;
  /** The connection was closed, so it cannot recover. */
  private gone = false;
  /** The browser has put the page into its back/forward cache and may restore it. */
  private left = false;
  /** Number of the current connection; events of an earlier one may arrive late and are ignored. */
  private generation = 0;
  private sound: BrowserSound | null = null;
  private peer: WatchedTransport | null = null;
  private readonly watch = new LineWatch(
    () => this.peer?.arrived() ?? Promise.resolve(null),
    (steady) => this.line(steady ? "steady" : "broken"),
  );

  /** Called with the client of each conversation; the developers' console observes it. */
  onClient: (client: PipecatClient) => void = () => undefined;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  readonly snapshot = (): CallState => this.state;

  /** Start from the one button: explain the microphone first, unless the browser already allows it. */
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

  /** Try again in the same mode: a typed conversation asks for no microphone, and the transcript continues. */
  async again(): Promise<void> {
    const { kept, state } = this;
    const { items, typing, silent } = state;
    if (kept !== null && this.attempt === null) {
      this.attempt = new AbortController();
      this.tell({ type: "restored", items, typing, silent });
      await this.goOn("unknown", { within: RETRY_MS, gone: true });
      return;
    }
    await (typing ? this.open({ typing, silent }) : this.talk());
  }

  /** Resume the conversation that this tab had before it was reloaded. */
  async restore(): Promise<void> {
    if (this.left) {
      this.left = false;
      await this.goOn("reload", { gone: true });
      return;
    }
    const found = kept(Date.now());
    if (found === null || this.attempt !== null || !(await holdAlone(found.token))) {
      return;
    }
    const { items, typing, silent } = found;
    this.attempt = new AbortController();
    this.kept = found;
    this.tell({ type: "restored", items, typing, silent });
    await this.goOn("reload", { within: found.seconds * 1000, gone: true });
  }

  /** Start the conversation. To talk, the browser now asks for the microphone. Typing is silent unless the visitor wants sound. */
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
    this.forgetConversation();
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

  /** Send typed text. */
  type(words: string): void {
    this.tell({ type: "transcript", event: { type: "visitor-typed", text: words } });
    this.tell({ type: "activity", event: "visitor-typed" });
    void this.client?.sendText(words, { run_immediately: true, audio_response: true });
  }

  mute(muted: boolean): void {
    this.client?.enableMic(!muted);
    this.tell({ type: "muted", muted });
  }

  /** Turn the agent's audio off or on, here and in the service. */
  silence(silent: boolean): void {
    this.tell({ type: "silent", silent });
    try {
      this.client?.sendClientMessage("audio-output", { enabled: !silent });
    } catch {
      // The connection is lost; playback is silent all the same.
    }
  }

  /** Continue a typed conversation by voice. */
  addMicrophone(): void {
    this.client?.enableMic(true);
  }

  /** Turn push to talk on or off: muted, except while the visitor holds a key or a button. */
  pushToTalk(on: boolean): void {
    choose({ pushToTalk: on });
    if (isLive(this.state.phase) && !this.state.typing) {
      this.mute(on);
    }
  }

  /** Unmute while a key or a button is held, with push to talk on. */
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

  /** Show whether the microphone picks up a voice. */
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

  /** Replace the transcript, with nothing or with an earlier one. */
  showItems(items: readonly Item[]): void {
    this.tell({ type: "items", items });
  }

  dismiss(): void {
    this.tell({ type: "notice", problem: null });
  }

  async hangUp(): Promise<void> {
    this.forgetConversation();
    if (this.client?.state === "ready") {
      this.client.disconnectBot();
    }
    await this.stop(t("hung_up"), null, LAST_WORD_MS);
  }

  /** Disconnect because the page is being left. It may return in a moment, so the conversation does not end. */
  leave(): void {
    this.save();
    this.left = this.attempt !== null;
    this.watch.stop();
    this.recovery?.abort();
    this.generation++;
    void this.client?.disconnect().catch(() => undefined);
  }

  /** Run every step up to the agent's first word; a hang-up in between stops at that step. */
  private async connect(typing: boolean, signal: AbortSignal, claim: Claim | null = null): Promise<void> {
    const by = await carrier();
    signal.throwIfAborted();
    const started = claim && (await start(by, this.state.silent, claim, consent()));
    if (started?.resume) {
      this.remember(started.resume.token, started.resume.seconds, typing);
    }
    await this.leaveOld();
    signal.throwIfAborted();
    const transport = await this.transport(by);
    signal.throwIfAborted();
    const client = new InterruptibleClient({
      transport,
      enableMic: !(typing || this.state.muted),
      callbacks: this.callbacks(),
    });
    client.onInterrupted = () => this.tell({ type: "transcript", event: { type: "agent-cut" } });
    this.client = client;
    this.onClient(client);
    if (!typing) {
      await this.openMicrophone(client, by, claim === null);
      signal.throwIfAborted();
    }
    const begun = started ?? (await this.inTurn(by, client, typing, signal));
    signal.throwIfAborted();
    if (begun.resume && claim === null) {
      this.remember(begun.resume.token, begun.resume.seconds, typing);
      void holdAlone(begun.resume.token);
    }
    const connected = client.connect(connectionParameters(begun)).catch(refused(by));
    await Promise.race([connected, this.deadline(by, client)]);
    signal.throwIfAborted();
    this.forget("connect");
    this.tell({ type: "session", session: begun.session });
    if (this.peer !== null) {
      this.peer.mends = this.kept === null;
      this.watch.start();
    }
    if (claim === null) {
      this.tell({ type: "ready" });
    }
  }

  /** Start, or wait in the queue with the microphone closed. */
  private async inTurn(
    by: Carrier,
    client: PipecatClient,
    typing: boolean,
    signal: AbortSignal,
  ): Promise<Started> {
    return await inTurn(
      (more) => start(by, this.state.silent, null, { ...more, ...consent() }),
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

  /** Close the lost connection; the microphone stays open for the next one. */
  private async leaveOld(): Promise<void> {
    const { client, sound } = this;
    this.watch.stop();
    this.generation++;
    this.client = null;
    this.gone = true;
    if (sound !== null) {
      sound.held = true;
    }
    await Promise.race([
      client?.disconnect().catch(() => undefined),
      new Promise((then) => setTimeout(then, LAST_WORD_MS * 5)),
    ]);
    if (sound !== null) {
      sound.held = false;
    }
  }

  private async openMicrophone(client: PipecatClient, by: Carrier, first: boolean): Promise<void> {
    await client.initDevices();
    const trouble = microphoneTrouble(client.mediaState.mic);
    if (trouble) {
      throw trouble;
    }
    restoreDevices(client, this.state.devices, by);
    if (!first) {
      return;
    }
    this.tell({ type: "opening", phase: "connecting", typing: false });
    if (choices().pushToTalk) {
      this.mute(true);
    }
  }

  private async transport(by: Carrier): Promise<Transport> {
    if (by === "daily") {
      return await dailyTransport();
    }
    this.sound ??= new BrowserSound();
    this.peer = peerTransport(this.sound, this.line, this.track, this.news);
    return this.peer;
  }

  /** Reject when connecting takes longer than any working connection. */
  private deadline(by: Carrier, client: PipecatClient): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.after("connect", CONNECT_MS[by], () => {
        const reached = client.state === "connected" || client.state === "ready";
        reject(new Trouble(problem(reached ? "no-agent" : by === "daily" ? "daily" : "no-route")));
      });
    });
  }

  private callbacks(): RTVIEventCallbacks {
    const mine = ++this.generation;
    return only(() => mine === this.generation, {
      ...conversationCallbacks(this.tell, segmentsIn(this.state.items)),
      ...deviceCallbacks(this.tell, () => this.state.typing),
      onServerMessage: (message) => this.serverMessage(message),
      onMessageError: (message) => {
        const { error } = message.data as { error?: string };
        this.tell({ type: "notice", problem: problem("not-taken", error ? { said: error } : {}) });
      },
      onError: (message) => {
        const { fatal, error } = message.data as { fatal?: boolean; error?: string };
        if (fatal) {
          this.forgetConversation();
          void this.stop(null, problem("failed", error ? { said: error } : {}));
        }
      },
      onBotDisconnected: () => this.closed(),
      onDisconnected: () => this.closed(),
    });
  }

  private serverMessage(message: unknown): void {
    const ending = endingIn(message);
    if (ending !== null) {
      this.ending = ending;
      this.forgetConversation();
    }
    if (isFull(message)) {
      void this.stop(null, problem("busy", { wait: 2 }));
    } else if (pausedIn(message)) {
      void this.goOn("moving", { gone: true });
    }
    const contact = contactIn(message);
    if (contact) {
      this.tell({ type: "transcript", event: { type: "contact-shown", contact } });
    }
  }

  /** Handle a closed connection: end the conversation if the service said why, otherwise try to resume it. */
  private closed(): void {
    if (!isLive(this.state.phase)) {
      return;
    }
    if (this.ending !== null) {
      void this.stop(this.ending, null);
    } else {
      void this.goOn("unknown", { gone: true });
    }
  }

  private readonly line = (line: Line): void => {
    if (line === "broken") {
      this.watch.doubt();
      void this.goOn("unknown", { gone: false });
    } else if (this.kept === null) {
      this.steady();
    }
  };

  private steady(): void {
    this.forget("line");
    this.tell({ type: "line", steady: true });
  }

  /** Resume the conversation, or show the reason when that fails. */
  private async goOn(cause: Cause, how: { gone: boolean; within?: number }): Promise<void> {
    this.gone = this.gone || how.gone;
    if (this.recovery !== null || this.attempt === null || !(isLive(this.state.phase) || how.within)) {
      return;
    }
    this.gone = how.gone;
    this.tell({ type: "line", steady: false, cause });
    if (this.kept === null) {
      this.after("line", how.gone ? 0 : RECONNECT_MS, () => void this.stop(null, problem("lost")));
      return;
    }
    const { seconds } = this.kept;
    this.recovery = new AbortController();
    const { signal } = this.recovery;
    const outcome = await recover({
      steady: () => !this.gone && this.watch.steady && this.client !== null,
      comeBack: () => this.comeBack(signal),
      tell: (now) => this.tell({ type: "line", steady: false, cause: now === "unknown" ? cause : now }),
      within: how.within ?? seconds * 1000,
      gone: () => this.gone,
      signal,
    });
    this.recovery = null;
    if (outcome === "steady" || outcome === "back") {
      this.steady();
    } else if (outcome instanceof Trouble) {
      this.forgetConversation();
      await this.stop(null, outcome.problem);
    } else if (outcome !== "stopped") {
      await this.stop(null, outageOver(outcome, seconds));
    }
  }

  private async comeBack(signal: AbortSignal): Promise<void> {
    const { kept } = this;
    if (kept !== null) {
      await this.connect(kept.typing, signal, { token: kept.token, attempt: kept.attempt });
    }
  }

  private remember(token: string, seconds: number, typing: boolean): void {
    const attempt = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.kept = { token, attempt, seconds, typing, silent: this.state.silent, seen: Date.now(), items: [] };
    this.save();
  }

  private readonly save = (): void => {
    this.forget("save");
    if (this.kept !== null) {
      const { seen } = this.kept;
      const now = this.state.phase === "live" ? Date.now() : seen;
      const { items, typing, silent } = this.state;
      this.kept = { ...this.kept, seen: now, items, typing, silent };
      keep(this.kept);
    }
  };

  private forgetConversation(): void {
    this.kept = null;
    forgetKept();
  }

  private readonly track = (track: MediaStreamTrack): void => {
    this.tell({ type: "track", whose: "agent", track });
  };

  private readonly news = (news: SoundNews): void => {
    this.tell(
      news.type === "heard" ? news : { type: "notice", problem: deviceChange(news.kind, news.label) },
    );
  };

  private async stop(ending: string | null, what: Problem | null, linger = 0): Promise<void> {
    const { client, sound } = this;
    this.watch.stop();
    this.attempt?.abort();
    this.recovery?.abort();
    // The next conversation may start before this one has released its microphone, so it opens its own.
    this.client = this.sound = this.attempt = this.recovery = this.peer = null;
    this.generation++;
    if (sound !== null) {
      sound.held = false;
    }
    for (const name of this.timers.keys()) {
      this.forget(name);
    }
    this.tell({ type: "stopped", ending, problem: what });
    // The page has moved on; ignore what the client still reports about its end.
    await new Promise((then) => setTimeout(then, linger));
    await client?.disconnect().catch(() => undefined);
    await sound?.disconnect();
  }

  private readonly tell = (event: CallEvent): void => {
    this.state = next(this.state, event);
    if (event.type === "activity") {
      this.wait(event.event);
    } else if (event.type === "ready") {
      this.forget("connect");
    }
    if (event.type === "items") {
      this.save(); // a discarded transcript must not stay in storage
    } else if (event.type === "transcript" && !this.timers.has("save")) {
      this.after("save", KEEP_MS, this.save);
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

/** Load Daily's chunk. A page of a removed version reloads itself, or tells the visitor to reload it. */
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
      throw new Trouble(problem("busy", { wait: 2 })); // other visitors took the free places; the next start waits
    }
    throw new Trouble(problem(by === "daily" ? "daily" : status ? "refused" : "no-route"));
  };
}

/** Forward callbacks while the condition holds. */
function only(counts: () => boolean, callbacks: RTVIEventCallbacks): RTVIEventCallbacks {
  const guarded = Object.entries(callbacks as Record<string, (...what: unknown[]) => void>).map(
    ([name, call]) => [name, (...what: unknown[]): void => (counts() ? call(...what) : undefined)] as const,
  );
  return Object.fromEntries(guarded) as RTVIEventCallbacks;
}

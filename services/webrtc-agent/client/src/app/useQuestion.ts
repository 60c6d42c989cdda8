import { useEffect, useRef } from "react";
import type { Call } from "../call/call";
import type { Phase } from "../call/state";

/** Ask an example question: at once in a running conversation, otherwise first in the one that it starts. */
export function useQuestion(call: Call, phase: Phase): (question: string) => void {
  const waiting = useRef<string | null>(null);
  useEffect(() => {
    if (phase === "live" && waiting.current !== null) {
      call.type(waiting.current);
    }
    if (phase === "live" || phase === "idle") {
      waiting.current = null;
    }
  }, [call, phase]);
  return (question) => {
    if (phase === "live") {
      call.type(question);
    } else {
      waiting.current = question;
      void call.talk();
    }
  };
}

/// <reference types="vite/client" />
declare module "@pipecat-ai/voice-ui-kit/styles";

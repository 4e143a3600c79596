/** The platform's own network: `fetch` and `WebSocket`, as browsers, Node 22 and Workers have them. */

import type { SocketEvents, SocketHandle, Transport } from "./client-types.ts";

export type Network = {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly connect: (url: string, on: SocketEvents) => SocketHandle;
};

export function networkOf(given: Transport = {}): Network {
  return {
    fetch: given.fetch ?? ((url, init) => fetch(url, init)),
    connect: given.connect ?? connect,
  };
}

/** A socket that cannot even be made is one that was closed: the feed is then read in pages. */
function connect(url: string, on: SocketEvents): SocketHandle {
  let socket: WebSocket;
  try {
    socket = new WebSocket(url);
  } catch {
    // No such class here, or a page that may not use it for this address.
    queueMicrotask(() => on.closed(1006, ""));
    return { send: () => undefined, close: () => undefined };
  }
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") on.message(data);
  });
  // An error is always followed by a close, which tells no less.
  socket.addEventListener("close", ({ code, reason }) => on.closed(code, reason));
  return {
    // A socket that just closed takes no more: its close event is on the way.
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(1000),
  };
}

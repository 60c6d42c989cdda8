// An HTTP/2 server on Node's own implementation. The model id of a request names what the server does with it.
//
// node http2_server.mjs KEY CERTIFICATE EVENT [padded]   EVENT: one message of an event stream, in base64
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';

const [key, cert, encoded, padded] = process.argv.slice(2);
const tls = { key: readFileSync(key), cert: readFileSync(cert) };
const event = Buffer.from(encoded, 'base64');
const accepted = { ':status': 200, 'content-type': 'application/vnd.amazon.eventstream' };
const MEGABYTES = 4;

/** Send the event, and end the response when the client has ended its request. */
function answer(stream) {
  stream.on('data', () => {});
  stream.on('end', () => stream.end());
  stream.write(event);
}

const does = {
  events(stream) {
    stream.respond(accepted);
    answer(stream);
  },
  // The response is larger than every window, and so is the request; the event comes when all of it has arrived.
  large(stream) {
    stream.respond(accepted);
    let arrived = 0;
    stream.on('data', (chunk) => {
      arrived += chunk.length;
      if (arrived - chunk.length < MEGABYTES << 20 && arrived >= MEGABYTES << 20) stream.write(event);
    });
    stream.on('end', () => stream.end());
    for (let sent = 0; sent <= Math.floor((MEGABYTES << 20) / 32_000); sent += 1) stream.write(event);
  },
  // The same in turns: all of the request first.
  turns(stream) {
    stream.respond(accepted);
    let arrived = 0;
    stream.on('data', (chunk) => {
      arrived += chunk.length;
      if (arrived - chunk.length >= MEGABYTES << 20 || arrived < MEGABYTES << 20) return;
      for (let sent = 0; sent <= Math.floor((MEGABYTES << 20) / 32_000) + 1; sent += 1) stream.write(event);
    });
    stream.on('end', () => stream.end());
  },
  trailers(stream) {
    stream.respond(accepted, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': 'none' }));
    answer(stream);
  },
  interim(stream) {
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    this.events(stream);
  },
  // More than one frame: CONTINUATION.
  headers(stream) {
    stream.respond({ ...accepted, 'x-long': 'x'.repeat(30_000) });
    answer(stream);
  },
  ping(stream) {
    stream.respond(accepted);
    stream.on('data', () => {});
    stream.on('end', () => stream.end());
    stream.session.ping((error) => (error ? stream.close(2) : stream.write(event)));
  },
  // The client may send ten bytes, and a little later everything.
  settings(stream) {
    stream.session.settings({ initialWindowSize: 10, maxFrameSize: 16_384 }, () => {
      stream.respond(accepted);
      answer(stream);
      setTimeout(() => stream.session?.settings({ initialWindowSize: 1 << 20, maxFrameSize: 1 << 20 }), 50);
    });
  },
  goaway(stream) {
    stream.respond(accepted);
    stream.session.goaway(0);
    answer(stream);
  },
  leaves(stream) {
    stream.respond(accepted);
    stream.session.goaway(2);
  },
  rst(stream) {
    stream.respond(accepted);
    // `close` would end the response before it resets the stream.
    stream.write(event, () => setTimeout(() => stream.destroy(new Error('broken')), 20));
  },
  cut(stream) {
    stream.respond(accepted);
    stream.write(event, () => setTimeout(() => sockets.forEach((socket) => socket.destroy()), 20));
  },
  refuse(stream) {
    stream.respond({ ':status': 429, 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' });
    stream.end(JSON.stringify({ message: 'Too many requests' }));
  },
  silent() {},
  stall(stream) {
    stream.respond(accepted);
  },
};

function serve(stream, headers) {
  stream.on('error', () => {});
  const name = /^\/model\/(\w+)\//.exec(headers[':path'])?.[1];
  (does[name] ? does[name].bind(does) : (one) => one.respond({ ':status': 404 }, { endStream: true }))(stream);
}

const sockets = new Set();
const options = padded ? { paddingStrategy: http2.constants.PADDING_STRATEGY_MAX } : {};
const server = http2.createSecureServer({ ...tls, ...options }).on('stream', serve).on('sessionError', () => {});
server.on('secureConnection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
const old = https.createServer({ ...tls, ALPNProtocols: ['http/1.1'] }, (_, response) => response.end());
server.listen(0, '127.0.0.1', () => {
  old.listen(0, '127.0.0.1', () => console.log(server.address().port, old.address().port));
});
// The test that started this server ends it by closing its input.
process.stdin.on('end', () => process.exit(0)).resume();

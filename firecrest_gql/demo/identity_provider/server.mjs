// The development identity provider: `node server.mjs CONFIG`. CONFIG is a JSON file that only its owner reads:
// port, issuer, audience, scope, token_seconds, storage, origins, registration_token, cookie_keys, jwks, clients and
// users. It listens on loopback alone, and is no provider for anything but a demo and tests.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, resolve } from 'node:path';

import { makeInteractions } from './interactions.mjs';
import { makeProvider } from './provider.mjs';

const file = process.argv[2];
const config = JSON.parse(readFileSync(file, 'utf8'));
config.storage = resolve(dirname(file), config.storage);

const provider = makeProvider(config);
const interact = makeInteractions(provider, config.users);
const answer = provider.callback();
const { host } = new URL(config.issuer);

const server = createServer((request, response) => {
  // A page of another site that has our address under its own name (DNS rebinding) is not answered.
  if (request.headers.host !== host) {
    response.writeHead(421).end();
  } else if (request.url.startsWith('/interaction/')) {
    interact(request, response);
  } else {
    answer(request, response);
  }
});

server.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(config.port, '127.0.0.1', () => console.log(`${config.issuer} is ready`));

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

// node audit.mjs ADDRESS: audits the server, with the token on standard input, and prints each check and its status.
import { readFileSync } from "node:fs";
import { serverAudits } from "graphql-http";

const token = readFileSync(0, "utf8").trim();

function fetchWithToken(input, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return fetch(input, { ...init, headers });
}

const audits = serverAudits({ url: process.argv[2], fetchFn: fetchWithToken });
const results = await Promise.all(audits.map((audit) => audit.fn()));
console.log(JSON.stringify(results.map(({ name, status, reason }) => ({ name, status, reason }))));

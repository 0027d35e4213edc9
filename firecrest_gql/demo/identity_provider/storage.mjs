// Where the provider keeps what it issued. What must outlive a restart (registered clients, what users allowed) is in
// a file, written whole with each change; sessions and codes are in memory.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const DURABLE = new Set(['Client', 'RegistrationAccessToken', 'Grant', 'RefreshToken']);
const MAX_TRANSIENT = 10_000;

export function makeAdapter(file) {
  const durable = new Map(load(file));
  const transient = new Map();
  const save = () => replaceFile(file, JSON.stringify([...durable]));
  return (model) => (DURABLE.has(model) ? new Adapter(model, durable, save) : new Adapter(model, transient, () => bound(transient)));
}

class Adapter {
  constructor(model, entries, changed) {
    Object.assign(this, { prefix: `${model}:`, entries, changed });
  }

  async upsert(id, payload, expiresIn) {
    const expiresAt = expiresIn ? Date.now() + expiresIn * 1000 : null;
    this.entries.set(this.prefix + id, { payload, expiresAt });
    this.changed();
  }

  async find(id) {
    const entry = this.entries.get(this.prefix + id);
    return entry && !expired(entry) ? entry.payload : undefined;
  }

  async findByUid(uid) {
    return this.#first((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.#first((payload) => payload.userCode === userCode);
  }

  async consume(id) {
    const entry = this.entries.get(this.prefix + id);
    if (entry) {
      entry.payload.consumed = Math.floor(Date.now() / 1000);
      this.changed();
    }
  }

  async destroy(id) {
    if (this.entries.delete(this.prefix + id)) {
      this.changed();
    }
  }

  async revokeByGrantId(grantId) {
    for (const [key, entry] of this.entries) {
      if (key.startsWith(this.prefix) && entry.payload.grantId === grantId) {
        this.entries.delete(key);
      }
    }
    this.changed();
  }

  #first(matches) {
    for (const [key, entry] of this.entries) {
      if (key.startsWith(this.prefix) && !expired(entry) && matches(entry.payload)) {
        return entry.payload;
      }
    }
    return undefined;
  }
}

function expired({ expiresAt }) {
  return expiresAt !== null && expiresAt < Date.now();
}

// Anybody can begin a login: the oldest give way.
function bound(entries) {
  for (const key of entries.keys()) {
    if (entries.size <= MAX_TRANSIENT) {
      return;
    }
    entries.delete(key);
  }
}

function load(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).filter(([, entry]) => !expired(entry));
  } catch (error) {
    if (error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}

function replaceFile(file, text) {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

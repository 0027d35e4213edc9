// One click for each demo user; a client secret or a token can be pasted where the page was given none.
import { useEffect, useState } from 'react';

import { clientSession, loadConfig, pastedSession } from './session.js';

const NO_CONFIG = { token_url: null, clients: [] };

export function SignInBar({ session, onSession }) {
  const [config, setConfig] = useState(NO_CONFIG);
  const [asking, setAsking] = useState(null); // the client whose secret, or 'token', that the form asks for
  const [problem, setProblem] = useState('');
  useEffect(() => void loadConfig().then(setConfig), []);

  const begin = async (make) => {
    try {
      onSession(await make());
      setAsking(null);
      setProblem('');
    } catch (error) {
      setProblem(`Signing in failed: ${error.message}`);
    }
  };
  const signIn = (client, secret) => begin(() => clientSession(config.token_url, client, secret));
  const choose = (client) => (client.client_secret ? signIn(client, client.client_secret) : setAsking(client));
  const paste = (text) => (asking === 'token' ? begin(() => pastedSession(text)) : signIn(asking, text));

  return (
    <header className="bar">
      <strong className="brand">firecrest-gql</strong>
      <Who session={session} />
      <nav className="choices" aria-label="Sign in">
        {config.clients.map((client) => (
          <button key={client.client_id} type="button" aria-pressed={session?.name === client.username} onClick={() => choose(client)}>
            Sign in as {client.username}
          </button>
        ))}
        <button type="button" className="quiet" onClick={() => setAsking('token')}>
          Paste a token
        </button>
      </nav>
      {asking && <SecretForm key={asking.client_id ?? asking} asking={asking} onSecret={paste} onCancel={() => setAsking(null)} />}
      {problem && <p role="alert">{problem}</p>}
    </header>
  );
}

function Who({ session }) {
  return (
    <span className={session ? 'who in' : 'who'} role="status">
      {session ? `Signed in as ${session.name}` : 'Not signed in'}
    </span>
  );
}

function SecretForm({ asking, onSecret, onCancel }) {
  const label = asking === 'token' ? 'Access token' : `Client secret of ${asking.client_id}`;
  const submit = (event) => {
    event.preventDefault();
    onSecret(new FormData(event.target).get('secret').trim());
  };
  return (
    <form className="secret" onSubmit={submit}>
      <label>
        {label} <input name="secret" type="password" autoComplete="off" required autoFocus />
      </label>
      <button>Use it</button>
      <button type="button" className="quiet" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}

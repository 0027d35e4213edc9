// The whole page: the sign-in bar above GraphiQL, whose tabs begin with the examples.
import { GraphiQL } from 'graphiql';
import { useMemo, useState } from 'react';

import { EXAMPLES } from './examples.js';
import { makeFetcher } from './fetcher.js';
import { SignInBar } from './SignInBar.jsx';

export function Playground() {
  const [session, setSession] = useState(null);
  // GraphiQL reads the schema anew for each new fetcher, so with each new session.
  const fetcher = useMemo(() => makeFetcher(session), [session]);
  return (
    <>
      <SignInBar session={session} onSession={setSession} />
      <main className="editor">
        <GraphiQL
          fetcher={fetcher}
          schema={session ? undefined : null}
          schemaDescription
          defaultTabs={EXAMPLES}
          defaultEditorToolsVisibility="variables"
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
        >
          <GraphiQL.Logo>{' '}</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

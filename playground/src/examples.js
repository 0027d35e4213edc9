// The tabs that a first visit opens; the files are tested against the contract.
import archive from '../examples/Archive.graphql?raw';
import copyByJob from '../examples/CopyByJob.graphql?raw';
import followFile from '../examples/FollowFile.graphql?raw';
import followOutput from '../examples/FollowOutput.graphql?raw';
import submitJob from '../examples/SubmitJob.graphql?raw';
import systemsAndFiles from '../examples/SystemsAndFiles.graphql?raw';
import watchJob from '../examples/WatchJob.graphql?raw';
import watchSystems from '../examples/WatchSystems.graphql?raw';
import watchTask from '../examples/WatchTask.graphql?raw';
import whoAmI from '../examples/WhoAmI.graphql?raw';

const tab = (query, variables) => ({ query, variables: variables && JSON.stringify(variables, null, 2) });

export const EXAMPLES = [
  tab(systemsAndFiles),
  tab(submitJob),
  tab(watchTask, { id: 'last task' }),
  tab(watchJob, { jobIds: ['last job'] }),
  tab(followOutput, { jobId: 'last job' }),
  tab(followFile),
  tab(watchSystems),
  tab(archive),
  tab(copyByJob),
  tab(whoAmI),
];

// The examples follow each other: a variable "last task" or "last job" stands for what an earlier tab has made.

const seen = { 'last task': null, 'last job': null };
const HINTS = {
  'last task': 'There is no task yet: run the tab SubmitJob first.',
  'last job': 'There is no job yet: run the tabs SubmitJob and WatchTask first.',
};

export function fillIn(value) {
  if (Array.isArray(value)) {
    return value.map(fillIn);
  }
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillIn(inner)]));
  }
  if (!Object.hasOwn(seen, value)) {
    return value;
  }
  if (seen[value] === null) {
    throw new Error(HINTS[value]);
  }
  return seen[value];
}

// Reads a result, and gives it back as it is.
export function remember(result) {
  for (const answer of Object.values(result?.data ?? {})) {
    const task = answer?.task ?? answer;
    seen['last task'] = answer?.task?.id ?? seen['last task'];
    seen['last job'] = task?.result?.jobId ?? answer?.job?.jobId ?? seen['last job'];
  }
  return result;
}

/** A page of an app with an avatar: it shows the warning, the avatar, and a picture in its place when that is refused. */

interface Refusal {
  readonly message: string;
  readonly fallback?: string;
}

interface Client {
  watchWarning(show: (message: string | null) => void): () => void;
  startAvatar(
    conversationId: string,
    play: (token: string, avatarSessionId: string | null) => Promise<string>,
  ): Promise<
    | { readonly refusal: Refusal | undefined; readonly end?: never }
    | { readonly end: () => Promise<unknown>; readonly refusal?: never }
  >;
}

const CLIENTS: Record<string, () => Promise<Client>> = {
  apollo: () => import('../../src/client/apollo.ts'),
  urql: () => import('../../src/client/urql.ts'),
  rest: () => import('../../src/client/rest.ts'),
  liveavatar: async () => ({
    ...(await import('../../src/client/apollo.ts')),
    ...(await import('../../src/client/liveavatar.ts')),
  }),
};

const element = (id: string) => document.getElementById(id) as HTMLElement;

function showWarning(message: string | null): void {
  element('warning').textContent = message;
  element('warning').hidden = message === null;
}

function showAvatar(state: 'Live' | 'Away' | 'Picture', message: string): void {
  const live = state === 'Live';
  element('avatar').classList.toggle('live', live);
  element('state').textContent = state;
  element('message').textContent = message;
  element('start').hidden = live;
  element('end').hidden = !live;
}

const name = new URLSearchParams(location.search).get('client') ?? 'apollo';
const { watchWarning, startAvatar } = await (CLIENTS[name] as () => Promise<Client>)();
let end: (() => Promise<unknown>) | undefined;

element('start').onclick = async () => {
  // The simulated vendor has no video: an app plays the stream here.
  const avatar = await startAvatar(crypto.randomUUID(), async (_token, avatarSessionId) => avatarSessionId ?? '');
  end = avatar.end;
  if (end) showAvatar('Live', 'Anna is listening.');
  else showAvatar(avatar.refusal?.fallback ? 'Picture' : 'Away', avatar.refusal?.message ?? 'Anna is not available.');
};
element('end').onclick = async () => {
  await end?.();
  showAvatar('Away', 'The conversation has ended.');
};

showAvatar('Away', 'Press Start to talk.');
watchWarning(showWarning);

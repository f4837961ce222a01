// The playground: GraphiQL, an identity bar for the demo world, and the operations of schema/operations as ready tabs.
// Served as it is, with React and GraphiQL from scripts before it; it asks nothing of any other host.
const { GraphiQL, React, ReactDOM } = window;
const { createElement: h, useEffect, useRef, useState } = React;
const { useEditorContext } = GraphiQL.React;

/** `{ fingerprint, guides, operations }`, written into the page by http/playground.ts. */
const page = JSON.parse(document.getElementById('operations').textContent);
const operationOf = new Map(page.operations.map((operation) => [operation.name, operation]));

/** Where a newcomer starts, and for whom the first tab is written. */
const firstIdentity = 'other-partner-tenant-admin';
const ownToken = 'own-token';
const nobody = 'nobody';

const firstQuery = `# Welcome to the demo world of Tollgate.
#
# Hooli pays 19.00 USD a month for Pro, and 11 of the
# month's 31 days are left. What does the upgrade to
# Pro Max (49.00 USD) cost today, with 20 % off?
#
# Press the blue button, or Ctrl-Enter. Then act as
# tenant-admin (at the top) and press it again: what
# another partner sells does not exist for them.

query FirstLook {
  prorationPreview(
    input: { plan: "pro_max", coupon: "UPGRADE20" }
  ) {
    ... on ProrationPreview {
      unusedCredit { amount }
      newCharge { amount }
      discount { amount }
      net { amount currency }
      lines { explanation { sentence } }
    }
    ... on Refused { code message }
  }
  viewer { role tenant { name } }
}
`;

/**
 * Tokens live here and nowhere else: not in a header editor, whose contents GraphiQL carries from tab to tab, and not in
 * the browser's storage. Only the name of the identity is remembered.
 */
const session = { identities: [], problem: undefined, name: firstIdentity, own: '' };
const remembered = 'tollgate:identity';

async function loadIdentities() {
  // The header is what a page of another origin cannot send without being asked first.
  const response = await fetch('/playground/identities', { headers: { 'tollgate-playground': '1' } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.errors?.[0]?.message ?? `HTTP ${response.status}`);
  session.identities = answer.identities;
}

const isDemo = (name) => session.identities.some((identity) => identity.name === name);

function bearerOf(name) {
  if (name === nobody) return '';
  if (name === ownToken) return session.own.trim();
  return session.identities.find((identity) => identity.name === name)?.token ?? '';
}

async function post(name, payload) {
  const bearer = bearerOf(name);
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
    body: JSON.stringify(payload),
  });
  return response.json();
}

async function ask(name, payload) {
  const answer = await post(name, payload);
  const expired = answer.errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED');
  if (!expired || !isDemo(name)) return answer;
  // Demo tokens last a day, and a new DATA_DIR makes new ones.
  await loadIdentities();
  return post(name, payload);
}

const valueAt = (answer, path) =>
  path.split('.').reduce((value, step) => (Array.isArray(value) ? value.at(Number(step)) : value?.[step]), answer);

/** Variables with the ids of this very world: `{ from, path, else }` is looked up in the answer of another query. */
async function resolve(value) {
  if (Array.isArray(value)) return Promise.all(value.map(resolve));
  if (value === null || typeof value !== 'object') return value;
  if ('from' in value && 'path' in value) {
    const other = operationOf.get(value.from);
    // Only reading: opening a tab changes nothing.
    if (other?.kind !== 'query') return value.else;
    const variables = await resolve(other.variables);
    const { data } = await ask(other.as, { query: other.text, variables }).catch(() => ({}));
    return valueAt(data?.[other.root], value.path) ?? value.else;
  }
  const members = Object.entries(value).map(async ([name, member]) => [name, await resolve(member)]);
  return Object.fromEntries(await Promise.all(members));
}

async function tabOf(operation) {
  const variables = await resolve(operation.variables);
  return {
    query: operation.text,
    variables: Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : '',
  };
}

/** With the fingerprint of the operations in its name: a gateway with others starts with others. */
const storage = GraphiQL.createLocalStorage({ namespace: `tollgate-${page.fingerprint}` });
// The query needs more room than its variables and its answer; GraphiQL reads the division from here.
for (const [part, share] of [
  ['secondaryEditorFlex', '5.5'],
  ['editorFlex', '1.1'],
]) {
  if (storage.getItem(`graphiql:${part}`) === null) storage.setItem(`graphiql:${part}`, share);
}
const keptTabs = () => storage.getItem('graphiql:tabState') !== null;

async function firstTabs() {
  // GraphiQL 3.9 loses the variables of a first tab that has some, so the first one is text only.
  const tabs = [{ query: firstQuery }];
  if (keptTabs()) return tabs;
  return [...tabs, ...(await Promise.all(page.operations.filter(({ tab }) => tab).map(tabOf)))];
}

/** Set by the page once it is there; parts that GraphiQL renders reach it through here. */
const shell = { actAs: () => undefined, showing: () => undefined };

/** Renders nothing; says which operation the current tab holds, and brings the tab into view. */
function CurrentTab() {
  const { tabs, activeTabIndex } = useEditorContext({ nonNull: true });
  const title = tabs[activeTabIndex]?.title;
  useEffect(() => {
    shell.showing(title);
    document.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [title]);
  return null;
}

function OperationsPane() {
  const { tabs, activeTabIndex, addTab, changeTab, queryEditor, variableEditor } = useEditorContext({
    nonNull: true,
  });
  const waiting = useRef(undefined);
  // A new tab comes empty; what belongs in it is written once it is the current one.
  useEffect(() => {
    const contents = waiting.current;
    if (!contents) return;
    waiting.current = undefined;
    queryEditor?.setValue(contents.query);
    variableEditor?.setValue(contents.variables);
  }, [activeTabIndex, tabs.length]);

  async function open(operation) {
    shell.actAs(operation.as);
    const existing = tabs.findIndex(({ title }) => title === operation.name);
    if (existing >= 0) return changeTab(existing);
    waiting.current = await tabOf(operation);
    addTab();
  }

  function startAnew() {
    storage.clear();
    window.location.reload();
  }

  const groups = [...new Set(page.operations.map(({ group }) => group))];
  return h(
    'div',
    { className: 'operations' },
    h('h2', null, 'Operations'),
    h('p', null, 'Each opens in a tab with variables that work in the demo world, as somebody who may do it.'),
    groups.map((group) =>
      h(
        'section',
        { key: group },
        h('h3', null, group),
        h(
          'ul',
          null,
          page.operations
            .filter((operation) => operation.group === group)
            .map((operation) =>
              h(
                'li',
                { key: operation.name },
                h(
                  'button',
                  { type: 'button', onClick: () => open(operation) },
                  h('code', { className: operation.kind }, operation.name),
                  h('span', null, operation.about),
                ),
              ),
            ),
        ),
      ),
    ),
    h('button', { type: 'button', className: 'reset', onClick: startAnew }, 'Start anew with the first tabs'),
  );
}

const line = (y) => h('path', { key: y, d: `M3.5 ${y}h.01M7.5 ${y}h9` });
const OperationsIcon = () =>
  h(
    'svg',
    { viewBox: '0 0 20 20', fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, strokeLinecap: 'round' },
    [5, 10, 15].map(line),
  );

const operationsPlugin = { title: 'Operations', icon: OperationsIcon, content: OperationsPane };

/** GraphiQL's panes open and close by the buttons at its side only. */
const togglePane = (title) =>
  document.querySelector(`.graphiql-sidebar button[aria-label="Show ${title}"], [aria-label="Hide ${title}"]`)?.click();

function IdentityBar({ name, choose, own, setOwn, hint }) {
  const chosen = session.identities.find((identity) => identity.name === name);
  return h(
    'div',
    { className: 'identity' },
    h('label', { htmlFor: 'identity' }, 'Acting as'),
    h(
      'select',
      { id: 'identity', value: name, onChange: (event) => choose(event.target.value) },
      session.identities.map((identity) => h('option', { key: identity.name, value: identity.name }, identity.name)),
      h('option', { value: ownToken }, 'your own token or API key …'),
      h('option', { value: nobody }, 'nobody'),
    ),
    name === ownToken &&
      h('input', {
        type: 'password',
        value: own,
        placeholder: 'token or tg_test_…',
        autoComplete: 'off',
        'aria-label': 'Your own token or API key',
        onChange: (event) => setOwn(event.target.value),
      }),
    hint ||
      h(
        'span',
        { className: 'about' },
        chosen?.about ?? (name === nobody ? 'sends no token' : (session.problem ?? 'kept in this page only')),
      ),
  );
}

function Playground({ tabs, fetcher }) {
  const [name, setName] = useState(session.name);
  const [own, setOwn] = useState('');
  const [title, setTitle] = useState(undefined);
  session.name = name;
  session.own = own;

  const choose = (next) => {
    setName(next);
    if (isDemo(next)) localStorage.setItem(remembered, next);
  };
  shell.showing = setTitle;
  shell.actAs = (next) => isDemo(next) && choose(next);

  const suited = operationOf.get(title)?.as;
  const hint =
    suited &&
    suited !== name &&
    isDemo(suited) &&
    isDemo(name) &&
    h(
      'span',
      { className: 'hint', role: 'status' },
      `The example is for ${suited}`,
      h('button', { type: 'button', onClick: () => choose(suited) }, 'Act as them'),
    );

  return h(
    React.Fragment,
    null,
    h(
      'header',
      { className: 'bar' },
      h(
        'h1',
        { className: 'brand' },
        h('img', { src: document.querySelector('link[rel=icon]').href, alt: '' }),
        'Tollgate',
        h('small', null, 'demo playground'),
      ),
      h(IdentityBar, { name, choose, own, setOwn, hint }),
      h(
        'nav',
        { className: 'links' },
        h('button', { type: 'button', onClick: () => togglePane('Operations') }, 'Operations'),
        h('button', { type: 'button', onClick: () => togglePane('Documentation Explorer') }, 'Schema docs'),
        page.guides.map((guide) =>
          h('a', { key: guide.href, href: guide.href, target: '_blank', rel: 'noopener' }, guide.title),
        ),
      ),
    ),
    h(
      'main',
      { className: 'playground-editor' },
      h(
        GraphiQL,
        {
          fetcher,
          storage,
          defaultTabs: tabs,
          defaultQuery: '# Ctrl-Space completes, Ctrl-Enter runs.\n\n',
          defaultEditorToolsVisibility: 'variables',
          isHeadersEditorEnabled: false,
          shouldPersistHeaders: false,
          plugins,
          toolbar,
        },
        h(GraphiQL.Logo, null, 'Graph', h('em', null, 'i'), 'QL'),
      ),
    ),
  );
}

// The same objects at each rendering, so that GraphiQL does not take them for new ones.
const plugins = [operationsPlugin];
const toolbar = { additionalComponent: CurrentTab };
const fetcher = (payload) => ask(session.name, payload);

async function start() {
  const root = document.getElementById('playground');
  try {
    await loadIdentities();
  } catch (error) {
    session.problem = error.message;
    session.name = ownToken;
  }
  const last = localStorage.getItem(remembered);
  if (last && isDemo(last)) session.name = last;
  const tabs = await firstTabs();
  ReactDOM.createRoot(root).render(h(Playground, { tabs, fetcher }));
}

start();

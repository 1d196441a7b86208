// What the page shows: the run's data, and what of it the reader wants to see.

const data = JSON.parse(document.getElementById('data').textContent);
const byId = id => document.getElementById(id);

// Kinds of messages that belong together, with the colour of each.
const GROUPS = [
  { name: 'what people say', colour: 'talk', kinds: ['PRIVMSG', 'NOTICE', 'TAGMSG'] },
  { name: 'channels', colour: 'channel', kinds: ['JOIN', 'PART', 'KICK', 'TOPIC', 'MODE', 'INVITE', 'RENAME'] },
  { name: 'names and leaving', colour: 'name', kinds: ['NICK', 'QUIT', 'ERROR', 'KILL', 'AWAY'] },
  { name: 'PING and PONG', colour: 'ping', kinds: ['PING', 'PONG'] },
  { name: 'arriving', colour: 'welcome', kinds: ['CAP', 'USER', 'PASS'] },
  { name: 'questions and answers', colour: 'reply', kinds: ['NAMES', 'WHO', 'WHOIS', 'WHOWAS', 'LIST', 'MONITOR', 'USERHOST', 'HELP', 'FAIL', 'CHATHISTORY'] },
  { name: 'anything else', colour: 'other', kinds: [] },
];
const WELCOME = /^(00[1-5]|25[0-9]|26[56]|37[256]|422)$/;

function groupOf(kind) {
  if (WELCOME.test(kind)) return GROUPS[4];
  if (/^\d\d\d$/.test(kind)) return GROUPS[5];
  return GROUPS.find(group => group.kinds.includes(kind)) || GROUPS[6];
}

const broken = data.broken[0];
if (broken && broken.client === undefined) {
  // Whose connection is told, or whose nick: client 3 goes by c3_0, c3_1 and so on.
  const life = /\blife (\d+)\b/.exec(broken.detail);
  const nick = /\bc(\d+)_\d+\b/.exec(broken.detail);
  if (life && data.lives[life[1]]) broken.client = data.lives[life[1]].client;
  else if (nick) broken.client = Number(nick[1]);
}
for (const life of data.lives) life.number = data.lives.indexOf(life);
data.messages.forEach((message, number) => {
  message.number = number;
  message.client = data.lives[message.life].client;
  message.group = groupOf(message.kind);
});
const clientCount = Math.max(1, data.clients, ...data.lives.map(life => life.client + 1));

// What the reader wants to see.
const wish = {
  find: '',
  clients: new Set(Array.from({ length: clientCount }, (_, client) => client)),
  kinds: new Set(data.messages.map(message => message.kind)),
  byOrder: true,
  bundle: true,
};

function isWanted(message) {
  return wish.clients.has(message.client) && wish.kinds.has(message.kind)
    && (!wish.find || message.text.toLowerCase().includes(wish.find));
}

// Messages as arrows. An arrow may stand for neighbouring lines of one kind that travel together.
function arrowsWanted() {
  const arrows = [];
  let last;
  for (const message of data.messages) {
    if (!isWanted(message)) continue;
    const together = wish.bundle && last && last.life === message.life && last.up === message.up
      && last.sent === message.sent && last.arrived === message.arrived && last.lost === message.lost
      && last.carried === message.carried && last.group === message.group;
    if (together) {
      last.members.push(message);
    } else {
      last = { ...message, what: 'arrow', members: [message] };
      arrows.push(last);
    }
  }
  return arrows;
}

const name = client => client === undefined ? 'the server'
  : client === data.clients ? 'strangers' : `client ${client}`;

function time(us) {
  if (us >= 1e6) return `${(us / 1e6).toFixed(us % 1000 ? 4 : 3)} s`;
  return `${(us / 1000).toFixed(us % 1000 ? 2 : 0)} ms`;
}

function lasting(us) {
  if (us >= 1e6) return `${+(us / 1e6).toFixed(2)} s`;
  if (us >= 1e3) return `${+(us / 1e3).toFixed(us >= 1e5 ? 0 : 2)} ms`;
  return `${us} \u00b5s`;
}

function label(arrow) {
  const { members } = arrow;
  const first = brief(members[0].text);
  if (members.length === 1) return first;
  const kinds = new Set(members.map(member => member.kind));
  if (kinds.size === 1) return `${members.length} \u00d7 ${first}`;
  const last = members[members.length - 1].kind;
  return `${members[0].kind} \u2026 ${last} (${members.length} lines)`;
}

// A line without its tags and the server's name: what a reader looks for.
function brief(text) {
  return text.replace(/^@\S* /, '').replace(/^:irc\.sim /, '').replace(/^:([^ !]*)!\S* /, '$1: ');
}

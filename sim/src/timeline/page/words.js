// The verdict at the top of the page, and the legend.

function fillVerdict() {
  const at = byId('verdict');
  at.className = broken ? 'bad' : 'good';
  const run = `${data.clients} clients, seed ${data.seed}, layer ${data.layer}, ${lasting(data.end)} of simulated time`;
  element('h1', broken ? `Does not hold: ${broken.property}` : 'Everything that must hold, held', at);
  if (broken) {
    if (broken.meaning) element('p', `${broken.meaning} Seen at ${time(broken.at)}:`, at);
    const detail = element('p', undefined, at);
    element('code', broken.detail, detail);
    // Messages go by m and a number, or two, at the start of their text.
    for (const id of new Set((broken.detail.match(/\bm\d+(\.\d+)?\b/g) || []).slice(0, 4))) {
      element('button', `follow ${id}`, detail).onclick = () => find(`${id}-`);
    }
  }
  const how = element('p', `A simulated run of an IRC server: ${run}. Show it again: `, at, 'how');
  element('code', data.command, how);
  byId('failure').hidden = !broken;
}

function fillLegend() {
  const at = byId('legend');
  element('h2', 'What you see', at);
  element('p', 'A chat server and its clients, in a simulated network that does its worst. Time runs downwards. Each client is a vertical line; the server is drawn beside each pair of clients, but it is one server.', at);
  const list = title => { element('h3', title, at); return element('dl', undefined, at); };
  const row = (dl, sign, words, colour) => {
    const mark = element('dt', sign, dl);
    if (colour) mark.style.color = `var(--${colour})`;
    element('dd', words, dl);
  };
  const lines = list('Lines down the page');
  row(lines, '\u2503', 'a connection, at the client\u2019s end (at the line of the client) and at the server\u2019s end (beside the line of the server)', 'client');
  row(lines, '\u00d7', 'that end of the connection is gone', 'client');
  row(lines, '\u250a', 'the client has no connection', 'soft');
  row(lines, '\u2503', 'the server. Thicker and coloured: a line has arrived and waits to be carried out', 'server');
  const arrows = list('Arrows: lines of text on their way');
  row(arrows, '\u2500\u2500\u25b6', 'from when its last byte was sent to when it had arrived. The steeper, the later');
  row(arrows, '\u2501\u2501\u25b6', 'several lines that travelled together: point at it to read them');
  row(arrows, '\u2500\u2500\u00d7', 'never arrived: its connection ended before', 'bad');
  row(arrows, '\u2504\u2504\u25b6', 'was still under way when the run ended');
  for (const group of GROUPS) {
    if (data.messages.some(message => message.group === group)) row(arrows, '\u2500\u2500\u25b6', group.name, group.colour);
  }
  const steps = list('What the script of the run does');
  row(steps, '\u25cf', 'a client is told to do something', 'soft');
  row(steps, '\u25c6', 'a fault of a moment', 'fault');
  row(steps, '\u258c', 'a fault that lasts, as long as it is shaded', 'fault');
  const meanings = new Map();
  for (const { text, meaning, kind } of [...data.spans, ...data.marks]) {
    if (!['healing', 'restart', 'timer'].includes(kind)) meanings.set(kind === 'unread' ? 'not read' : text.split(' ')[0], meaning);
  }
  for (const [word, meaning] of [...meanings].sort()) row(steps, word, meaning);
  element('p', 'A number after such a word is a channel, a client, a length, or how long it lasts in ms.', at);
  const moments = list('Lines across the page');
  row(moments, '\u2500\u2500', 'what does not hold was seen here', 'bad');
  row(moments, '\u2504\u2504', 'healing: all troubles end here, and everything must settle', 'channel');
  row(moments, '\u2013', 'in the column of the clock: the server is called because time has passed', 'soft');
  const time = list('Time');
  row(time, 'by order', 'all that happens is drawn apart, in order, and quiet time takes little room');
  row(time, 'to scale', 'a second is as long as any other');
  const keys = list('Keys and pointer');
  for (const [key, words] of [['wheel', 'up and down; with Shift sideways, with Ctrl closer and farther'], ['drag', 'move'],
    ['\u2191 \u2193', 'move; Page Up, Page Down, Home and End too'], ['+ \u2212', 'closer, farther'], ['f', 'show everything'],
    ['x', 'go to what does not hold'], ['n p', 'next and previous message'], ['o', 'time by order or to scale'],
    ['/', 'find'], ['Esc', 'close what is open']]) row(keys, key, words);
  element('h3', 'The script of this run', at);
  element('pre', data.script, at);
}

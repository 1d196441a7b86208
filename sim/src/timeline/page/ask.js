// What is under the pointer or picked, told in words.

function element(tag, words, parent, kind) {
  const made = document.createElement(tag);
  if (words !== undefined) made.textContent = words;
  if (kind) made.className = kind;
  if (parent) parent.append(made);
  return made;
}

function hit(x, y) {
  x += view.left;
  let best, nearest = 6;
  for (const { x: left, y: top, w, h, item } of hits) {
    if (item.what !== 'arrow' && x >= left && x <= left + w && y >= top && y <= top + h) best = item;
  }
  for (const { x1, y1, x2, y2, item } of hits) {
    if (item.what !== 'arrow') continue;
    const share = Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2)));
    const away = Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1));
    if (away < nearest) [nearest, best] = [away, item];
  }
  return best;
}

// An item in words: a title, lines of bytes, and facts.
function told(item) {
  if (item.what === 'arrow') {
    const ways = [name(item.client), 'the server'];
    const [from, to] = item.up ? ways : ways.reverse();
    const facts = [['sent', time(item.sent)]];
    if (item.arrived !== undefined) {
      facts.push(['arrived', `${time(item.arrived)}, after ${lasting(item.arrived - item.sent)}`]);
    } else if (item.lost !== undefined) {
      facts.push(['lost', `never arrived: the connection ended at ${time(item.lost)}`]);
    } else {
      facts.push(['still under way', 'when the run ended']);
    }
    if (item.carried !== undefined) {
      const waited = item.carried - item.arrived;
      facts.push(['carried out', time(item.carried) + (waited > 0 ? `, having waited ${lasting(waited)}` : '')]);
    }
    facts.push(['connection', item.life]);
    return { title: `From ${from} to ${to}`, lines: item.members.map(one => one.text + one.end), facts };
  }
  if (item.what === 'span') {
    return { title: `${name(item.client)}: ${item.text}`, lines: [], facts: [['means', item.meaning],
      ['from', time(item.from)], ['until', `${time(item.to)}, ${lasting(item.to - item.from)} later`]] };
  }
  if (item.what === 'end') {
    return { title: `The ${item.who}'s end of connection ${item.life.number} is gone`, lines: [],
      facts: [['at', time(item.at)], ['why', item.why], ['client', item.life.client]] };
  }
  if (item.what === 'broken') {
    return { title: `Does not hold: ${item.property}`, lines: [item.detail],
      facts: [['means', item.meaning], ['seen at', time(item.at)]] };
  }
  return { title: `${name(item.client)}: ${item.text}`, lines: [],
    facts: [['means', item.meaning], ['at', time(item.at)]] };
}

function showTip(item, x, y) {
  const tip = byId('tip');
  tip.hidden = !item;
  if (!item) return;
  const { title, lines, facts } = told(item);
  tip.replaceChildren();
  element('b', title, tip);
  for (const line of lines.slice(0, 12)) element('code', line.length > 400 ? line.slice(0, 400) + '\u2026' : line, tip);
  if (lines.length > 12) element('small', `and ${lines.length - 12} lines more: click to read them`, tip);
  for (const [word, fact] of facts) element('small', `${word}: ${fact}`, tip);
  const room = chart.clientWidth - tip.offsetWidth - 8;
  tip.style.left = Math.max(4, Math.min(x + 14, room)) + 'px';
  const below = y + 18 + tip.offsetHeight < chart.clientHeight;
  tip.style.top = Math.max(4, below ? y + 18 : y - tip.offsetHeight - 10) + 'px';
}

function pick(item) {
  picked = item;
  byId('details').hidden = !item;
  if (item) {
    const { title, lines, facts } = told(item);
    const at = byId('told');
    at.replaceChildren();
    element('h2', title, at);
    const list = element('dl', undefined, at);
    for (const [word, fact] of facts) {
      element('dt', word, list);
      element('dd', fact, list);
    }
    for (const line of lines) element('pre', line, at);
    if (item.what === 'arrow' && lines.length === 1) {
      const words = item.text.split(' :').pop();
      element('button', 'Only messages with this text', at).onclick = () => find(words);
    }
  }
  resized();
}

function pickNext(by) {
  const { arrows } = layout;
  if (!arrows.length) return;
  let at = arrows.indexOf(picked);
  if (at < 0) {
    const middle = view.top + pageHeight() / 2;
    at = arrows.findIndex(arrow => arrow.y1 >= middle);
    at = (at < 0 ? arrows.length : at) - (by > 0 ? 1 : 0);
  }
  const next = arrows[Math.max(0, Math.min(arrows.length - 1, at + by))];
  pick(next);
  if (next.y1 < view.top || next.y1 > view.top + pageHeight() - 1) goTo(next.y1, 0.5);
}

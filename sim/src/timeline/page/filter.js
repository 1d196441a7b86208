// What the reader wants to see: text, clients, kinds.

function find(words) {
  byId('find').value = words;
  wish.find = words.toLowerCase();
  pick(undefined);
  arrangeAgain();
  if (!words || !layout.arrows.length) return;
  showAll();
  if (view.zoom < 6) goTo(layout.arrows[0].y1, 0.3);
}

function checkbox(parent, kind, words, count, checked, change, colour) {
  const row = element('label', undefined, parent, kind);
  const input = element('input', undefined, row);
  Object.assign(input, { type: 'checkbox', checked });
  if (colour) element('span', undefined, row, 'dot').style.background = `var(--${colour})`;
  element('span', words, row);
  element('span', count, row, 'count');
  input.onchange = () => { change(input.checked); pick(undefined); fillMenus(); arrangeAgain(); };
  return input;
}

function toggle(set, values, on) {
  for (const value of values) if (on) set.add(value); else set.delete(value);
}

function fillMenus() {
  const count = matches => data.messages.filter(matches).length;
  const clients = byId('clients'), kinds = byId('kinds');
  const all = Array.from({ length: clientCount }, (_, client) => client);
  clients.replaceChildren();
  checkbox(clients, 'group', 'all', data.messages.length, wish.clients.size === clientCount, on => toggle(wish.clients, all, on));
  for (const client of all) {
    checkbox(clients, 'kind', name(client), count(m => m.client === client), wish.clients.has(client), on => toggle(wish.clients, [client], on));
  }
  kinds.replaceChildren();
  for (const group of GROUPS) {
    const names = [...new Set(data.messages.filter(m => m.group === group).map(m => m.kind))].sort();
    if (!names.length) continue;
    checkbox(kinds, 'group', group.name, count(m => m.group === group), names.some(kind => wish.kinds.has(kind)), on => toggle(wish.kinds, names, on), group.colour);
    for (const kind of names) {
      checkbox(kinds, 'kind', kind, count(m => m.kind === kind), wish.kinds.has(kind), on => toggle(wish.kinds, [kind], on));
    }
  }
}

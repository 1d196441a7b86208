// Where everything is: heights from times, and columns from clients.

const AXIS = 92, SERVER = 128, HEAD = 40;

const layout = { arrows: [], instants: [], tops: [], heights: [], total: 1, pairs: [] };

// By order: each instant at which something happens gets as many rows as it takes to draw what happens
// in it side by side; quiet time between instants gets little. To scale: a millisecond is a row.
function arrange() {
  layout.arrows = arrowsWanted();
  const rows = new Map();
  const place = (at, column, size = 1) => {
    let columns = rows.get(at);
    if (!columns) rows.set(at, columns = new Map());
    const row = columns.get(column) || 0;
    columns.set(column, row + size);
    return row;
  };
  for (const arrow of layout.arrows) {
    const [from, to] = arrow.up ? ['c', 's'] : ['s', 'c'];
    arrow.startRow = place(arrow.sent, from + arrow.client);
    if (arrow.arrived !== undefined) arrow.endRow = place(arrow.arrived, to + arrow.client);
    if (arrow.carried > arrow.arrived) place(arrow.carried, 's' + arrow.client);
  }
  for (const mark of data.marks) {
    if (mark.kind === 'timer') continue;
    if (mark.client !== undefined && !wish.clients.has(mark.client)) continue;
    mark.row = place(mark.at, 'm' + mark.client, mark.client === undefined ? 1.4 : 1);
  }
  for (const span of data.spans) {
    if (span.client !== undefined && !wish.clients.has(span.client)) continue;
    place(span.from, 'm' + span.client, 0);
    place(span.to, 'm' + span.client, 0);
  }
  for (const life of data.lives) {
    if (!wish.clients.has(life.client)) continue;
    place(life.opened, 'm' + life.client, 0);
    for (const end of [life.clientEnd, life.serverEnd]) if (end) end.row = place(end.at, 'm' + life.client);
  }
  if (broken) place(broken.at, 'broken', 3);
  place(0, 'axis', 0);
  place(data.end, 'axis', 1);

  layout.instants = [...rows.keys()].sort((a, b) => a - b);
  layout.tops = [];
  layout.heights = layout.instants.map(at => Math.max(0.6, ...rows.get(at).values()));
  let top = 0;
  layout.instants.forEach((at, i) => {
    if (i > 0) top += layout.heights[i - 1] + quiet(at - layout.instants[i - 1]);
    layout.tops.push(top);
  });
  layout.total = wish.byOrder ? top + 2 : Math.max(1, data.end / 1000);
  for (const arrow of layout.arrows) {
    arrow.y1 = rowY(arrow.sent, arrow.startRow);
    arrow.y2 = arrow.arrived === undefined ? arrow.y1 : rowY(arrow.arrived, arrow.endRow);
  }
  // For a window of heights: the arrows that may be in it are neighbours in this order, from the first
  // whose predecessors have not all ended above.
  layout.arrows.sort((a, b) => a.y1 - b.y1);
  let lowest = -1;
  for (const arrow of layout.arrows) arrow.lowest = lowest = Math.max(lowest, arrow.y2);
  stackSpans();
}

// Rows for a quiet time of so many microseconds.
const quiet = us => 0.25 + 0.4 * Math.log10(1 + us / 100);

function before(list, value) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}

function rowY(at, row) {
  if (!wish.byOrder) return at / 1000;
  return layout.tops[before(layout.instants, at)] + row + 0.5;
}

// The height of any time; `late`: below what happens in that instant.
function timeY(at, late) {
  if (!wish.byOrder) return at / 1000;
  const i = before(layout.instants, at);
  if (i < 0) return 0;
  const bottom = layout.tops[i] + layout.heights[i];
  if (layout.instants[i] === at) return late ? bottom : layout.tops[i];
  if (i + 1 === layout.instants.length) return bottom;
  const share = (at - layout.instants[i]) / (layout.instants[i + 1] - layout.instants[i]);
  return bottom + share * (layout.tops[i + 1] - bottom);
}

// The time at a height.
function timeAt(y) {
  if (!wish.byOrder) return y * 1000;
  const i = Math.max(0, before(layout.tops, y));
  const bottom = layout.tops[i] + layout.heights[i];
  if (y <= bottom || i + 1 === layout.tops.length) return layout.instants[i];
  const share = (y - bottom) / (layout.tops[i + 1] - bottom);
  return layout.instants[i] + share * (layout.instants[i + 1] - layout.instants[i]);
}

// Spans that overlap stand beside each other.
function stackSpans() {
  const free = new Map();
  for (const span of [...data.spans].sort((a, b) => a.from - b.from)) {
    const slots = free.get(span.client) || [];
    free.set(span.client, slots);
    let slot = slots.findIndex(until => until <= span.from);
    if (slot < 0) slot = slots.length;
    slots[slot] = span.to;
    span.slot = slot;
  }
}

// Columns. Two clients share a picture of the server between them, so that no arrow crosses another
// client's column.
function columns(width) {
  const shown = [...wish.clients].sort((a, b) => a - b);
  const pairs = Math.max(1, Math.ceil(shown.length / 2));
  const each = Math.max(480, (width - AXIS - SERVER) / pairs);
  const single = shown.length === 1;
  const margin = Math.min(190, Math.max(76, each * 0.15));
  layout.lanes = new Map();
  layout.rails = [];
  shown.forEach((client, i) => {
    const left = AXIS + SERVER + Math.floor(i / 2) * each;
    const server = single ? left + each - margin : left + each / 2;
    const mine = i % 2 ? left + each - margin : left + margin;
    layout.lanes.set(client, { client, x: mine, server, left, each, side: i % 2 ? -1 : 1, margin });
    if (i % 2 === 0) layout.rails.push(server);
  });
  layout.width = AXIS + SERVER + pairs * each;
}

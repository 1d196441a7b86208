// Draws messages: arrows, their labels, and the time they wait in the server.

function arrowsInView() {
  const [top, bottom] = [view.top - 2, view.top + pageHeight() + 2];
  let first = 0, end = layout.arrows.length;
  while (first < end) {
    const middle = (first + end) >> 1;
    if (layout.arrows[middle].lowest < top) first = middle + 1; else end = middle;
  }
  const seen = [];
  for (let i = first; i < layout.arrows.length && layout.arrows[i].y1 <= bottom; i++) {
    if (layout.arrows[i].y2 >= top) seen.push(layout.arrows[i]);
  }
  return seen;
}

// From when a line reached the server until the server carried it out.
function drawWait(arrow) {
  if (!(arrow.carried > arrow.arrived)) return;
  const lane = layout.lanes.get(arrow.client);
  const [top, bottom] = [px(arrow.y2), px(timeY(arrow.carried, true))];
  pen.globalAlpha = 0.6;
  line(lane.server, top, lane.server, bottom, colours[arrow.group.colour], 5);
  pen.globalAlpha = 1;
}

function ends(arrow) {
  const lane = layout.lanes.get(arrow.client);
  const [client, server] = [lane.x + lane.side * 2, lane.server - lane.side * 7];
  let [x1, x2] = arrow.up ? [client, server] : [server, client];
  if (arrow.arrived === undefined) x2 = x1 + (x2 - x1) * 0.55;
  return [x1, px(arrow.y1), x2, px(arrow.y2)];
}

function drawArrow(arrow, bold) {
  const [x1, y1, x2, y2] = ends(arrow);
  const lost = arrow.lost !== undefined, underWay = arrow.arrived === undefined && !lost;
  const colour = lost ? colours.bad : colours[arrow.group.colour];
  const many = arrow.members.length > 1;
  if (bold) line(x1, y1, x2, y2, colours.pick, 7);
  line(x1, y1, x2, y2, colour, many && (view.zoom > 4 || !wish.byOrder) ? 2.4 : 1.3, underWay ? [4, 4] : []);
  if (lost) {
    cross(x2, y2, 4.5, colour);
  } else {
    const slope = Math.atan2(y2 - y1, x2 - x1), size = view.zoom < 3 ? 4 : 7;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(x2, y2);
    pen.lineTo(x2 - size * Math.cos(slope - 0.4), y2 - size * Math.sin(slope - 0.4));
    pen.lineTo(x2 - size * Math.cos(slope + 0.4), y2 - size * Math.sin(slope + 0.4));
    pen.fill();
  }
  if (!bold) hits.push({ x1, y1, x2, y2, item: arrow });
}

// A label at the start of each arrow that has room for one: all of the way across, if no label from the
// other side is in its way.
function drawLabels(arrows) {
  const labels = [], last = new Map();
  for (const arrow of arrows) {
    const [x, y] = ends(arrow);
    const column = arrow.client * 2 + arrow.up;
    if (y - (last.get(column)?.y ?? -99) < 11.5) continue;
    const facing = last.get(column ^ 1);
    const made = { arrow, x, y, tight: facing && y - facing.y < 13 };
    if (made.tight) facing.tight = true;
    last.set(column, made);
    labels.push(made);
  }
  for (const { arrow, x, y, tight } of labels) {
    const lane = layout.lanes.get(arrow.client);
    const rightwards = (arrow.up === 1) === (lane.side > 0);
    const room = Math.abs(lane.server - lane.x) - 20;
    const words = clipped(label(arrow), tight ? room * 0.46 : room, MONO);
    const colour = arrow.lost !== undefined ? colours.bad : colours[arrow.group.colour];
    text(words, x + (rightwards ? 9 : -9), y - 6, colour, rightwards ? 'left' : 'right', MONO);
  }
}

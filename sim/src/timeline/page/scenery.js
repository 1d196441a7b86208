// Draws what is not a message: columns, connections, faults, marks, moments, the axis.

function drawLanes(height) {
  for (const lane of layout.lanes.values()) {
    pen.fillStyle = colours.lane;
    pen.fillRect(Math.min(lane.x, lane.server), 0, Math.abs(lane.server - lane.x), height);
    if (broken && broken.client === lane.client) {
      pen.globalAlpha = 0.35;
      pen.fillStyle = colours['bad-paper'];
      pen.fillRect(Math.min(lane.x, lane.server), 0, Math.abs(lane.server - lane.x), height);
      pen.globalAlpha = 1;
    }
  }
}

function drawRails(height) {
  const [top, end] = [Math.max(0, px(0)), Math.min(height, px(timeY(data.end, true)))];
  for (const x of layout.rails) line(x, top, x, end, colours.server, 3);
  for (const lane of layout.lanes.values()) line(lane.x, top, lane.x, end, colours.line, 1, [2, 4]);
}

// A connection: the client's end thick, the server's end a bar beside the server.
function drawLife(life) {
  const lane = layout.lanes.get(life.client);
  if (!lane) return;
  const begin = px(timeY(life.opened));
  const clientEnd = life.clientEnd ? px(timeY(life.clientEnd.at, true)) : px(timeY(data.end, true));
  const serverEnd = life.serverEnd ? px(timeY(life.serverEnd.at, true)) : px(timeY(data.end, true));
  const bottom = chart.clientHeight;
  if (Math.max(clientEnd, serverEnd) < HEAD || begin > bottom) return;
  const show = (x, end) => line(x, Math.max(0, begin), x, Math.min(bottom, end), colours.client, 3);
  show(lane.x, clientEnd);
  pen.globalAlpha = 0.45;
  show(lane.server - lane.side * 5, serverEnd);
  pen.globalAlpha = 1;
  const note = (words, y, x, align) => text(words, x, y, colours.soft, align, '11px system-ui, sans-serif');
  pen.fillStyle = colours.client;
  if (begin > 0 && begin < bottom) {
    pen.fillRect(lane.x - 5, begin - 1, 10, 2);
    note(`connection ${life.number}`, begin - 7, lane.x + lane.side * 8, lane.side > 0 ? 'left' : 'right');
  }
  for (const [end, x, who] of [[life.clientEnd, lane.x, 'client'], [life.serverEnd, lane.server - lane.side * 5, 'server']]) {
    if (!end) continue;
    const y = px(timeY(end.at, true));
    if (y < HEAD || y > bottom) continue;
    cross(x, y, 4, colours.client);
    box(x - 8, y - 8, 16, 16, { what: 'end', who, life, at: end.at, why: end.why });
  }
}

function drawSpan(span) {
  const [top, bottom] = [px(timeY(span.from)), Math.max(px(timeY(span.to, true)), px(timeY(span.from)) + 3)];
  if (bottom < HEAD || top > chart.clientHeight) return;
  const colour = span.kind === 'unread' ? colours.server : colours.fault;
  const item = { what: 'span', ...span };
  const height = bottom - top;
  let x, align, words;
  if (span.client === undefined) {
    x = AXIS + 8 + span.slot * 7;
    pen.globalAlpha = 0.10;
    pen.fillStyle = colour;
    pen.fillRect(AXIS, top, SERVER - 16, height);
    words = [x + 10, 'left'];
  } else {
    const lane = layout.lanes.get(span.client);
    if (!lane) return;
    const near = span.kind === 'unread';
    x = near ? lane.server - lane.side * (10 + span.slot * 7) : lane.x - lane.side * (7 + span.slot * 7);
    pen.globalAlpha = near ? 0.06 : 0.12;
    pen.fillStyle = colour;
    pen.fillRect(Math.min(lane.x, lane.server), top, Math.abs(lane.server - lane.x), height);
    words = near ? null : [x - lane.side * 7, lane.side > 0 ? 'right' : 'left'];
  }
  pen.globalAlpha = 0.8;
  pen.fillStyle = colour;
  pen.fillRect(x - 2.5, top, 5, height);
  pen.globalAlpha = 1;
  box(x - 5, top, 10, height, item);
  // Of those that began above, one below the other.
  const y = top < HEAD ? Math.min(HEAD + 10 + span.slot * 13, bottom - 6) : top + 7;
  if (words && (view.zoom >= 6 || !wish.byOrder) && height > 12) text(span.text, words[0], y, colour, words[1]);
}

function drawMark(mark) {
  const y = px(rowY(mark.at, mark.row || 0));
  if (y < HEAD - 4 || y > chart.clientHeight + 4) return;
  if (mark.client === undefined) {
    if (mark.kind === 'healing' || mark.kind === 'restart') return;
    const small = mark.kind === 'timer';
    const x = AXIS + SERVER - 14;
    if (small) {
      line(x - 4, px(timeY(mark.at)), x + 4, px(timeY(mark.at)), colours.soft, 1);
      return;
    }
    diamond(x, y, colours.fault);
    text(mark.text, x - 9, y, colours.fault, 'right');
    return box(x - 110, y - 8, 118, 16, { what: 'mark', ...mark });
  }
  const lane = layout.lanes.get(mark.client);
  if (!lane) return;
  const closing = mark.kind === 'closing', deed = mark.kind === 'deed';
  const x = closing ? lane.server : lane.x;
  const colour = closing ? colours.server : deed ? colours.soft : colours.fault;
  if (deed) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(x - lane.side * 6, y, 3, 0, 7);
    pen.fill();
  } else {
    diamond(closing ? x - lane.side * 5 : x, y, colour);
  }
  if (view.zoom >= 9 && !closing) {
    text(mark.text, x - lane.side * 14, y, colour, lane.side > 0 ? 'right' : 'left');
  }
  const width = closing ? 16 : lane.margin - 6;
  box(lane.side > 0 === closing || closing ? x - 10 : lane.side > 0 ? x - width : x - 6, y - 7, width, 14, { what: 'mark', ...mark });
}

// What concerns everybody: healing, restarts, and what does not hold.
function drawMoments() {
  const across = (y, words, colour, width) => {
    if (y < HEAD || y > chart.clientHeight) return;
    line(AXIS, y, layout.width, y, colour, width, width > 1.5 ? [] : [6, 4]);
    text(words, AXIS + 8, y - 8, colour, 'left', '600 12px system-ui, sans-serif');
  };
  for (const mark of data.marks) {
    if (mark.client !== undefined || !['healing', 'restart'].includes(mark.kind)) continue;
    across(px(rowY(mark.at, mark.row)) + 4, mark.text, mark.kind === 'healing' ? colours.channel : colours.fault, 1.5);
    box(AXIS, px(rowY(mark.at, mark.row)) - 8, SERVER, 16, { what: 'mark', ...mark });
  }
  if (!broken) return;
  const y = px(timeY(broken.at, true));
  across(y, `does not hold: ${broken.property}`, colours.bad, 3);
  box(AXIS, y - 16, layout.width, 20, { what: 'broken', ...broken });
}

function drawAxis(width, height) {
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, AXIS, height);
  line(AXIS, 0, AXIS, height, colours.line, 1);
  let last = -99;
  const tick = (at, y) => {
    if (y < HEAD + 6 || y > height || y - last < 17) return;
    last = y;
    line(AXIS - 5, y, AXIS, y, colours.soft, 1);
    text(time(at), AXIS - 9, y, colours.soft, 'right', MONO);
  };
  if (wish.byOrder) {
    const first = Math.max(0, before(layout.tops, view.top) - 1);
    for (let i = first; i < layout.tops.length; i++) {
      const y = px(layout.tops[i] + 0.5);
      if (y > height) break;
      tick(layout.instants[i], y);
    }
    return;
  }
  const steps = [1e2, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 6e7];
  const step = steps.find(us => us / 1000 * view.zoom >= 40) || 6e7;
  for (let at = Math.max(0, Math.floor(timeAt(view.top) / step) * step); at <= data.end; at += step) {
    if (px(at / 1000) > height) break;
    tick(at, px(at / 1000));
  }
}

function drawHead(width) {
  pen.fillStyle = colours.bar;
  pen.fillRect(0, 0, width, HEAD - 8);
  line(0, HEAD - 8, width, HEAD - 8, colours.line, 1);
  const font = '600 13px system-ui, sans-serif';
  const label = (words, x, colour, align = 'center') => {
    pen.font = font;
    pen.textAlign = align;
    pen.textBaseline = 'middle';
    pen.fillStyle = colour;
    pen.fillText(words, x, (HEAD - 8) / 2);
  };
  pen.save();
  pen.translate(-view.left, 0);
  for (const lane of layout.lanes.values()) label(name(lane.client), lane.x, colours.client);
  for (const x of layout.rails) label('server', x, colours.server);
  label('server\u2019s clock', AXIS + SERVER - 14, colours.server, 'right');
  pen.restore();
  pen.fillStyle = colours.bar;
  pen.fillRect(0, 0, AXIS - 1, HEAD - 9);
  label('time', AXIS - 9, colours.soft, 'right');
  const more = layout.width - view.left - width > 40, fewer = view.left > 40;
  if (more || fewer) {
    pen.fillStyle = colours.bar;
    pen.fillRect(width - 118, 0, 118, HEAD - 9);
    label(`${fewer ? '\u2190 ' : ''}more clients${more ? ' \u2192' : ''}`, width - 8, colours.talk, 'right');
  }
}

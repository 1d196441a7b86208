// Draws the part of the timeline that is in view.

const chart = byId('chart'), map = byId('map');
const view = { top: 0, zoom: 16, left: 0 };
let hits = [], picked, pointed, colours = {}, pen;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const word of ['paper', 'lane', 'ink', 'soft', 'line', 'client', 'server', 'bar', 'fault', 'bad',
    'bad-paper', 'pick', ...GROUPS.map(group => group.colour)]) {
    colours[word] = style.getPropertyValue('--' + word).trim();
  }
}

const px = y => (y - view.top) * view.zoom + HEAD;
const pageHeight = () => (chart.clientHeight - HEAD) / view.zoom;

function draw() {
  const [width, height] = fill(chart);
  pen = chart.getContext('2d');
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  columns(width);
  view.left = Math.max(0, Math.min(view.left, layout.width - width));
  hits = [];
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  pen.save();
  pen.translate(-view.left, 0);
  drawLanes(height);
  data.spans.forEach(drawSpan);
  drawMoments();
  drawRails(height);
  const arrows = arrowsInView();
  arrows.forEach(drawWait);
  arrows.forEach(arrow => drawArrow(arrow));
  data.marks.forEach(drawMark);
  data.lives.forEach(drawLife);
  drawLabels(arrows);
  for (const item of [pointed, picked]) if (item && item.what === 'arrow') drawArrow(item, true);
  pen.restore();
  drawAxis(width, height);
  drawHead(width);
  drawMap();
}

function fill(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  return [width, height];
}

function line(x1, y1, x2, y2, colour, width, dash) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash || []);
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

function text(words, x, y, colour, align, font) {
  pen.font = font || '12px system-ui, sans-serif';
  pen.textAlign = align || 'left';
  pen.textBaseline = 'middle';
  pen.lineJoin = 'round';
  pen.setLineDash([]);
  pen.lineWidth = 3;
  pen.strokeStyle = colours.paper;
  pen.strokeText(words, x, y);
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
}

const MONO = '11.5px ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace';

function clipped(words, room, font) {
  pen.font = font;
  if (pen.measureText(words).width <= room) return words;
  const share = room / pen.measureText(words).width;
  return words.slice(0, Math.max(1, Math.floor(words.length * share) - 1)) + '\u2026';
}

function cross(x, y, size, colour) {
  line(x - size, y - size, x + size, y + size, colour, 2);
  line(x - size, y + size, x + size, y - size, colour, 2);
}

const box = (x, y, w, h, item) => hits.push({ x, y, w, h, item });

function diamond(x, y, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(x, y - 6);
  pen.lineTo(x + 6, y);
  pen.lineTo(x, y + 6);
  pen.lineTo(x - 6, y);
  pen.fill();
}

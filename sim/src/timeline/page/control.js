// Keys, pointer and buttons; and the first picture.

function toggleLegend() {
  const legend = byId('legend');
  legend.hidden = !legend.hidden;
  byId('help').setAttribute('aria-expanded', String(!legend.hidden));
  resized();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColours();
  redraw();
}

function resized() { clampView(); redraw(); }

const KEYS = {
  ArrowUp: () => pan(-60 / view.zoom), ArrowDown: () => pan(60 / view.zoom),
  ArrowLeft: () => { view.left -= 60; redraw(); }, ArrowRight: () => { view.left += 60; redraw(); },
  PageUp: () => pan(-pageHeight() * 0.9), PageDown: () => pan(pageHeight() * 0.9),
  Home: () => pan(-layout.total), End: () => pan(layout.total),
  '+': () => zoom(1.4), '=': () => zoom(1.4), '-': () => zoom(1 / 1.4),
  f: showAll, x: goToFailure, n: () => pickNext(1), p: () => pickNext(-1), '?': toggleLegend,
  o: () => byId('mode').click(), '/': () => byId('find').focus(),
  Escape: () => { pick(undefined); byId('tip').hidden = true; if (!byId('legend').hidden) toggleLegend(); },
};

document.addEventListener('keydown', event => {
  const typing = event.target.tagName === 'INPUT' && event.target.type === 'search';
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== 'Escape')) return;
  if (typing) event.target.blur();
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});

let drag;
chart.addEventListener('pointerdown', event => {
  drag = { x: event.clientX, y: event.clientY, moved: false };
  chart.setPointerCapture(event.pointerId);
});
chart.addEventListener('pointermove', event => {
  if (drag) {
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    chart.classList.add('dragging');
    view.left -= dx;
    return pan(-dy / view.zoom);
  }
  const item = hit(event.offsetX, event.offsetY);
  showTip(item, event.offsetX, event.offsetY);
  if (item !== pointed) { pointed = item; redraw(); }
});
chart.addEventListener('pointerup', event => {
  if (drag && !drag.moved) pick(hit(event.offsetX, event.offsetY));
  drag = undefined;
  chart.classList.remove('dragging');
});
chart.addEventListener('pointerleave', () => { pointed = undefined; showTip(); redraw(); });
chart.addEventListener('wheel', event => {
  event.preventDefault();
  showTip();
  const rows = event.deltaMode === 1 ? 24 : 1;
  if (event.ctrlKey || event.metaKey) return zoom(Math.exp(-event.deltaY * rows * 0.004), event.offsetY);
  view.left += event.shiftKey ? event.deltaY * rows : event.deltaX * rows;
  pan(event.shiftKey ? 0 : event.deltaY * rows / view.zoom);
}, { passive: false });

function mapTo(event) { goTo(event.offsetY / map.clientHeight * layout.total, 0.5); }
map.addEventListener('pointerdown', event => { map.setPointerCapture(event.pointerId); mapTo(event); });
map.addEventListener('pointermove', event => { if (event.buttons) mapTo(event); });

byId('find').addEventListener('input', event => find(event.target.value));
byId('bundle').addEventListener('change', event => { wish.bundle = event.target.checked; pick(undefined); arrangeAgain(); });
byId('mode').onclick = () => { wish.byOrder = !wish.byOrder; pick(undefined); arrangeAgain(); };
byId('in').onclick = () => zoom(1.4);
byId('out').onclick = () => zoom(1 / 1.4);
byId('fit').onclick = showAll;
byId('failure').onclick = goToFailure;
byId('close').onclick = () => pick(undefined);
byId('help').onclick = toggleLegend;
byId('theme').onclick = () => setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
document.addEventListener('pointerdown', event => {
  for (const menu of document.querySelectorAll('.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});
new ResizeObserver(resized).observe(chart);

setTheme(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
fillVerdict();
fillLegend();
fillMenus();
layout.wasByOrder = true;
arrange();
arrangeAgain();
if (layout.total * 14 < chart.clientHeight) showAll();
else if (broken) goToFailure();

// Draws all of the run at once, beside the part in view.

let mapPicture, mapOf;
function drawMap() {
  const [width, height] = fill(map);
  const key = [layout.total, wish.byOrder, layout.arrows.length, width, height, colours.paper].join();
  if (mapOf !== key) {
    mapOf = key;
    mapPicture = document.createElement('canvas');
    Object.assign(mapPicture, { width: map.width, height: map.height });
    const ink = mapPicture.getContext('2d');
    ink.scale(devicePixelRatio, devicePixelRatio);
    const y = at => at / layout.total * height;
    ink.fillStyle = colours.fault;
    ink.globalAlpha = 0.25;
    for (const span of data.spans) {
      ink.fillRect(2, y(timeY(span.from)), 10, Math.max(1, y(timeY(span.to) - timeY(span.from))));
    }
    ink.globalAlpha = 0.5;
    for (const arrow of layout.arrows) {
      ink.fillStyle = arrow.lost !== undefined ? colours.bad : colours[arrow.group.colour];
      const x = 16 + arrow.client / clientCount * (width - 20);
      ink.fillRect(x, y(arrow.y1), Math.max(2, (width - 20) / clientCount - 1), 1);
    }
    ink.globalAlpha = 1;
    ink.fillStyle = colours.bad;
    if (broken) ink.fillRect(0, y(timeY(broken.at, true)) - 1, width, 3);
  }
  const ink = map.getContext('2d');
  ink.setTransform(1, 0, 0, 1, 0, 0);
  ink.clearRect(0, 0, map.width, map.height);
  ink.drawImage(mapPicture, 0, 0);
  ink.scale(devicePixelRatio, devicePixelRatio);
  ink.fillStyle = colours.pick;
  const top = view.top / layout.total * height, tall = Math.max(6, pageHeight() / layout.total * height);
  ink.globalAlpha = tall < height ? 0.22 : 0;
  ink.fillRect(0, top, width, tall);
  ink.globalAlpha = 1;
  ink.strokeStyle = colours.pick;
  ink.strokeRect(0.5, top, width - 1, tall);
}

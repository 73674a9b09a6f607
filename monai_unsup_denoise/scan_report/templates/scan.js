const pairs = document.getElementById("pairs");
document.getElementById("share").addEventListener("input", event => {
  pairs.style.setProperty("--share", event.target.value + "%");
});

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

document.getElementById("open").addEventListener("click", async () => {
  const start = document.getElementById("viewer-start");
  start.textContent = "Opening …";
  try {
    const program = document.createElement("script");
    program.textContent = await unpack(document.getElementById("niivue").textContent);
    document.head.append(program);
    const canvas = document.getElementById("viewer");
    const place = document.getElementById("place");
    for (const part of [place, ...document.querySelectorAll("#stage, #choices")]) part.hidden = false;
    const viewer = new niivue.Niivue({
      isRadiologicalConvention: true, dragAndDropEnabled: false, loadingText: "", logLevel: "error", backColor: [0, 0, 0, 1],
      multiplanarShowRender: niivue.SHOW_RENDER.NEVER,  // of a head in three dimensions only specks show
      onLocationChange: location => { place.textContent = location.string; },
    });
    await viewer.attachToCanvas(canvas);
    for (const part of document.querySelectorAll("script.volume")) {
      viewer.addVolume(await niivue.NVImage.loadFromBase64({
        base64: part.textContent, name: part.dataset.title + ".nii.gz", trustCalMinMax: true, opacity: 0,
      }));
    }
    const show = shown => viewer.volumes.forEach((volume, index) => viewer.setOpacity(index, index === shown ? 1 : 0));
    show(1);
    viewer.setSliceType(viewer.sliceTypeMultiplanar);
    for (const choice of document.querySelectorAll("input[name=shown]")) {
      choice.addEventListener("change", () => show(Number(choice.value)));
    }
    start.textContent = "Click or drag to move, scroll to go through the slices, drag with the right button for contrast.";
  } catch (error) {
    for (const part of document.querySelectorAll("#stage, #choices, #place")) part.hidden = true;
    start.textContent = "The viewer cannot be opened in this browser (" + error.message + "). The pictures above need none.";
  }
});

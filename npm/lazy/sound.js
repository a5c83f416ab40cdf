// The sound of a reply that nobody is looking at: two short notes, made on the
// spot, so that there is no file to fetch. Browsers allow it to pages in which
// the visitor has done something, and keep it silent elsewhere.

let context;

/** Plays it once. */
export function chime() {
  const Context = globalThis.AudioContext ?? globalThis.webkitAudioContext;
  if (!Context) return;
  context ??= new Context();
  // A page that was never touched may not play; it stays suspended without harm.
  if (context.state === "suspended") context.resume().catch(() => {});
  const begin = context.currentTime + 0.02;
  for (const [note, after] of [
    [659.26, 0],
    [880, 0.12],
  ]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = note;
    volume.gain.setValueAtTime(0.0001, begin + after);
    volume.gain.exponentialRampToValueAtTime(0.08, begin + after + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + after + 0.35);
    tone.connect(volume).connect(context.destination);
    tone.start(begin + after);
    tone.stop(begin + after + 0.4);
  }
}

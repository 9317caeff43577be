/** Speaks prompts where the phone has a voice for the language; else there is a tone and the text. */
import type { Lang } from '../i18n/i18n.svelte';

let tone: AudioContext | null = null;

/** The phone's voice for a language, or `null`; a voice of another language is never used. */
export function voiceFor(lang: Lang): SpeechSynthesisVoice | null {
  if (!('speechSynthesis' in window)) return null;
  const voices = speechSynthesis.getVoices();
  const fit = voices.filter((voice) => voice.lang.toLowerCase().replace('_', '-').split('-')[0] === lang);
  return fit.find((voice) => voice.localService) ?? fit[0] ?? null;
}

/** Calls back when the list of voices has changed; it comes late on most phones. */
export function whenVoicesChange(changed: () => void): () => void {
  if (!('speechSynthesis' in window)) return () => {};
  speechSynthesis.addEventListener('voiceschanged', changed);
  return () => speechSynthesis.removeEventListener('voiceschanged', changed);
}

/** Says a text; returns whether a voice does. The newest prompt cuts off an older one. */
export function speak(text: string, lang: Lang): boolean {
  const voice = voiceFor(lang);
  if (!voice) {
    beep();
    return false;
  }
  speechSynthesis.cancel();
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voice;
  words.lang = voice.lang;
  words.rate = 0.95;
  speechSynthesis.speak(words);
  return true;
}

export function hush(): void {
  if ('speechSynthesis' in window) speechSynthesis.cancel();
}

/** Two short tones: look at the text. */
function beep(): void {
  navigator.vibrate?.([120, 80, 120]);
  try {
    tone ??= new AudioContext();
    for (const [start, pitch] of [
      [0, 660],
      [0.18, 880],
    ] as const) {
      const source = tone.createOscillator();
      const volume = tone.createGain();
      source.frequency.value = pitch;
      volume.gain.setValueAtTime(0.15, tone.currentTime + start);
      volume.gain.exponentialRampToValueAtTime(0.001, tone.currentTime + start + 0.15);
      source.connect(volume).connect(tone.destination);
      source.start(tone.currentTime + start);
      source.stop(tone.currentTime + start + 0.16);
    }
  } catch {
    // No sound on this phone: the text is there.
  }
}

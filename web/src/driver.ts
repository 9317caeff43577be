import { mount } from 'svelte';
import './app.css';
import DriverApp from './driver/DriverApp.svelte';

mount(DriverApp, { target: document.getElementById('app')! });

// The page itself must open without a network too; its data are kept by the page.
if ('serviceWorker' in navigator && window.isSecureContext && import.meta.env.PROD) {
  void navigator.serviceWorker.register('./driver-worker.js', { scope: './driver' }).catch(() => {});
}

/** Names of things the station knows by id, in the language of the page. */
import { language } from '../i18n/i18n.svelte';
import { world } from './world.svelte';

export function agencyName(id: string): string {
  const agency = world.agencies.find((one) => one.id === id);
  return agency?.name[language.id] ?? agency?.name.en ?? id;
}

export function zoneName(id: string): string {
  return world.zones.find((one) => one.id === id)?.properties.name ?? id;
}

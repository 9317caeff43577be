/** The text format of server-sent events, as far as the station uses it. */

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Takes pieces of a stream as they come and gives whole events. */
export class EventReader {
  private rest = '';
  private id = '';
  private event = '';
  private data: string[] = [];

  /** Returns the events that this piece completes. */
  push(piece: string): ServerEvent[] {
    const done: ServerEvent[] = [];
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0) {
          done.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
        }
        this.event = '';
        this.data = [];
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'id') this.id = value;
      else if (name === 'event') this.event = value;
      else if (name === 'data') this.data.push(value);
    }
    return done;
  }
}

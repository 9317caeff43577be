/** Drawing and shaping one polygon with terra-draw; all other zones stay read-only beneath. */
import type { Map as MapLibre } from 'maplibre-gl';
import {
  TerraDraw,
  TerraDrawModeUndoRedo,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
  type HexColor,
} from 'terra-draw';
import { TerraDrawMapLibreGLAdapter } from 'terra-draw-maplibre-gl-adapter';
import { tidyRing, type Ring } from '../core/geometry';

export interface SketchEvents {
  /** The ring has been closed for the first time. */
  closed: (ring: Ring) => void;
  /** A corner is on its way; nothing is final. */
  moving: (ring: Ring) => void;
  /** A corner was moved, added or removed. */
  shaped: (ring: Ring) => void;
  /** What can be taken back while the first ring is drawn. */
  steps: (canUndo: boolean, canRedo: boolean) => void;
}

const KEY = 'zone';

export class Sketch {
  private readonly terra: TerraDraw;
  private phase: 'off' | 'drawing' | 'shaping' = 'off';
  private feature: string | number | null = null;
  private quiet = false;

  constructor(
    map: MapLibre,
    colour: string,
    halo: string,
    private readonly events: SketchEvents,
  ) {
    const line = colour as HexColor;
    const rim = halo as HexColor;
    this.terra = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: 9 }),
      undoRedo: { modeLevel: new TerraDrawModeUndoRedo() },
      modes: [
        new TerraDrawPolygonMode({
          showCoordinatePoints: true,
          pointerDistance: 14,
          styles: {
            fillColor: line,
            fillOpacity: 0.16,
            outlineColor: line,
            outlineWidth: 2.5,
            closingPointColor: line,
            closingPointWidth: 6,
            closingPointOutlineColor: rim,
            closingPointOutlineWidth: 2,
            coordinatePointColor: line,
            coordinatePointWidth: 4,
            coordinatePointOutlineColor: rim,
            coordinatePointOutlineWidth: 1.5,
          },
        }),
        new TerraDrawSelectMode({
          allowManualDeselection: false,
          pointerDistance: 14,
          keyEvents: { deselect: null, delete: null, rotate: null, scale: null },
          flags: {
            polygon: {
              feature: {
                draggable: false,
                selfIntersectable: true,
                coordinates: { draggable: true, midpoints: true, deletable: true },
              },
            },
          },
          styles: {
            selectedPolygonColor: line,
            selectedPolygonFillOpacity: 0.16,
            selectedPolygonOutlineColor: line,
            selectedPolygonOutlineWidth: 2.5,
            selectionPointColor: rim,
            selectionPointWidth: 6,
            selectionPointOutlineColor: line,
            selectionPointOutlineWidth: 2.5,
            midPointColor: line,
            midPointWidth: 3.5,
            midPointOutlineColor: rim,
            midPointOutlineWidth: 1.5,
          },
        }),
      ],
    });
    this.terra.start();
    this.terra.on('change', (ids, type) => {
      if (this.quiet || type === 'styling') return;
      const ring = this.ring();
      if (!ring) return;
      if (this.phase === 'drawing' || (this.feature !== null && ids.includes(this.feature))) {
        this.events.moving(ring);
      }
    });
    this.terra.on('history', () => this.tell());
    this.terra.on('finish', (id, context) => {
      const ring = this.ring(id);
      if (!ring) return;
      if (context.action === 'draw') {
        this.feature = id;
        this.events.closed(ring);
      } else this.events.shaped(ring);
    });
    this.stop();
  }

  /** Begins a new ring, corner by corner. */
  draw(): void {
    this.clear();
    this.phase = 'drawing';
    this.terra.setMode('polygon');
    this.tell();
  }

  /** Puts a ring up for shaping. */
  shape(ring: Ring): void {
    this.clear();
    this.phase = 'shaping';
    this.quiet = true;
    const id = this.terra.getFeatureId();
    const [result] = this.terra.addFeatures([
      {
        type: 'Feature',
        id,
        properties: { mode: 'polygon', name: KEY },
        geometry: { type: 'Polygon', coordinates: [tidyRing(ring)] },
      },
    ]);
    if (result?.valid) {
      this.feature = id;
      this.terra.setMode('select');
      this.terra.selectFeature(id);
    }
    this.quiet = false;
  }

  undo(): void {
    if (this.terra.canUndo()) this.terra.undo();
    this.tell();
  }

  redo(): void {
    if (this.terra.canRedo()) this.terra.redo();
    this.tell();
  }

  stop(): void {
    this.clear();
    this.phase = 'off';
    this.terra.setMode('static');
  }

  destroy(): void {
    if (this.terra.enabled) this.terra.stop();
  }

  private tell(): void {
    if (this.phase === 'drawing') this.events.steps(this.terra.canUndo(), this.terra.canRedo());
  }

  private clear(): void {
    this.quiet = true;
    this.feature = null;
    this.terra.setMode('static');
    this.terra.clear();
    this.quiet = false;
  }

  private ring(id?: string | number): Ring | null {
    const found = this.terra
      .getSnapshot()
      .find(
        (one) =>
          one.geometry.type === 'Polygon' &&
          (id === undefined ? one.properties.mode === 'polygon' : one.id === id),
      );
    if (!found || found.geometry.type !== 'Polygon') return null;
    return (found.geometry.coordinates[0] ?? []).map((corner) => [corner[0]!, corner[1]!]);
  }
}

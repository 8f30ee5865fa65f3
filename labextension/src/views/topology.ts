/** The graph of a cluster: draws the parts that Python placed, moves what moved, reports what was clicked. */
import { asPicture, asRows, asStrings, type Part, type Picture, type ViewModel } from '../model';
import css from '../../style/topology.css';
import { Zoom } from './zoom';

const SVG = 'http://www.w3.org/2000/svg';
const LAYERS = ['ground', 'line', 'object'] as const;

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function button(label: string, title: string, action: () => void): HTMLButtonElement {
  const made = element('button', 'kn-button');
  made.type = 'button';
  made.textContent = label;
  made.title = title;
  made.setAttribute('aria-label', title);
  made.addEventListener('click', action);
  return made;
}

class Topology {
  private readonly root = element('div', 'kn-topology');
  private readonly sheet = document.createElement('style');
  private readonly sentence = element('h3', 'kn-sentence');
  private readonly meta = element('p', 'kn-meta');
  private readonly svg = document.createElementNS(SVG, 'svg');
  private readonly definitions = document.createElementNS(SVG, 'g');
  private readonly layers = new Map<string, SVGGElement>();
  private readonly legend = element('ul', 'kn-legend');
  private readonly details = element('dl', 'kn-details');
  private readonly drawn = new Map<string, { part: Part; node: SVGGElement }>();
  private readonly zoom: Zoom;
  private readonly stop: (() => void)[];

  constructor(
    private readonly model: ViewModel,
    host: HTMLElement
  ) {
    this.zoom = new Zoom(this.svg);
    this.svg.classList.add('kn-g');
    this.svg.setAttribute('role', 'group');
    this.svg.append(this.definitions);
    for (const layer of LAYERS) {
      const group = document.createElementNS(SVG, 'g');
      this.layers.set(layer, group);
      this.svg.append(group);
    }
    const head = element('div', 'kn-head');
    const tools = element('div', 'kn-tools');
    tools.append(
      button('+', 'Zoom in', () => this.zoom.by(1.25)),
      button('−', 'Zoom out', () => this.zoom.by(0.8)),
      button('Fit', 'Show everything', () => this.zoom.fit())
    );
    const titles = element('div', 'kn-titles');
    this.meta.setAttribute('aria-live', 'polite');
    this.details.setAttribute('aria-live', 'polite');
    titles.append(this.sentence, this.meta);
    head.append(titles, tools);
    const frame = element('div', 'kn-frame');
    frame.append(this.svg);
    this.root.append(this.sheet, head, frame, this.details, this.legend);
    host.append(this.root);
    this.svg.addEventListener('click', this.click);
    this.svg.addEventListener('keydown', this.key);
    this.svg.addEventListener('pointerover', event => this.hover(this.idAt(event)));
    this.svg.addEventListener('pointerleave', () => this.hover(null));
    document.addEventListener('visibilitychange', this.draw);
    this.stop = [
      model.on('picture', this.draw),
      model.on('state', this.say),
      model.on('selection', this.mark),
      model.on('details', this.tell)
    ];
    this.draw();
    this.tell();
  }

  dispose(): void {
    this.stop.forEach(stop => stop());
    document.removeEventListener('visibilitychange', this.draw);
    this.root.remove();
  }

  private draw = (): void => {
    const picture = asPicture(this.model.get('picture'));
    if (!picture || document.hidden) {
      return;
    }
    this.sheet.textContent = css + picture.style;
    this.sentence.textContent = picture.sentence;
    this.definitions.innerHTML = picture.arrows;
    this.svg.setAttribute('aria-label', picture.sentence);
    this.zoom.resize(picture.width, picture.height);
    this.drawParts(picture.parts);
    this.drawLegend(picture);
    this.say();
    this.mark();
  };

  private drawParts(parts: Part[]): void {
    const wanted = new Set(parts.map(p => p.id));
    for (const [id, { node }] of this.drawn) {
      if (!wanted.has(id)) {
        node.remove();
        this.drawn.delete(id);
      }
    }
    for (const part of parts) {
      const known = this.drawn.get(part.id);
      const node = known?.node ?? this.make(part);
      if (known?.part.svg !== part.svg) {
        node.innerHTML = part.svg;
        this.appear(node, part, known !== undefined);
      }
      node.style.transform = `translate(${part.x}px, ${part.y}px)`;
      this.drawn.set(part.id, { part, node });
    }
  }

  /** What is new fades in; a line that changed waits until what it joins has moved. */
  private appear(node: SVGGElement, part: Part, moved: boolean): void {
    if (part.layer === 'object' ? !moved : this.drawn.size > 0) {
      const wait = part.layer === 'object' ? 0 : 240;
      node.getAnimations().forEach(animation => animation.cancel());
      if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
        node.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 120, delay: wait, fill: 'backwards' });
      }
    }
  }

  private make(part: Part): SVGGElement {
    const node = document.createElementNS(SVG, 'g');
    node.classList.add('kn-part');
    if (part.layer === 'object') {
      node.dataset.id = part.id;
      node.setAttribute('tabindex', '0');
      node.setAttribute('role', 'button');
    }
    this.layers.get(part.layer)?.append(node);
    return node;
  }

  private drawLegend(picture: Picture): void {
    this.legend.replaceChildren(
      ...picture.legend.map(([look, label]) => {
        const entry = document.createElement('li');
        entry.innerHTML = `<svg class="kn-g" width="26" height="8"><path class="line ${look}" d="M0 4h26"/></svg>`;
        entry.append(label);
        return entry;
      })
    );
  }

  private say = (): void => {
    const picture = asPicture(this.model.get('picture'));
    const state = String(this.model.get('state') ?? '');
    this.meta.textContent = [...(picture?.meta ?? []), ...(state ? [state] : [])].join('  ·  ');
    this.root.classList.toggle('kn-stale', state.startsWith('stale'));
  };

  private mark = (): void => {
    const there = new Set([...this.drawn.values()].map(({ part }) => part.key ?? part.id));
    const selected = new Set(asStrings(this.model.get('selection')).filter(name => there.has(name)));
    const near = new Set<string>();
    for (const { part } of this.drawn.values()) {
      if (part.layer === 'line' && part.source && part.target) {
        const touched = selected.has(part.source) || selected.has(part.target);
        if (touched) {
          near.add(part.source).add(part.target);
        }
      }
    }
    for (const { part, node } of this.drawn.values()) {
      const name = part.key ?? part.id;
      const own =
        part.layer === 'line'
          ? selected.has(part.source ?? '') || selected.has(part.target ?? '')
          : selected.has(name);
      const kept =
        own || near.has(name) || part.layer === 'ground' || part.level === 'bad' || part.level === 'stuck';
      node.classList.toggle('kn-on', selected.size > 0 && own);
      node.classList.toggle('kn-faint', selected.size > 0 && !kept);
      if (part.layer === 'object') {
        node.setAttribute('aria-pressed', String(own));
        node.setAttribute('aria-label', part.label ?? part.id);
      }
    }
  };

  private tell = (): void => {
    const rows = asRows(this.model.get('details'));
    this.details.hidden = rows.length === 0;
    this.details.replaceChildren(
      ...rows.flatMap(([label, text]) => {
        const term = document.createElement('dt');
        const value = document.createElement('dd');
        term.textContent = label;
        value.textContent = text;
        return [term, value];
      })
    );
  };

  private hover(id: string | null): void {
    const name = id === null ? null : (this.drawn.get(id)?.part.key ?? id);
    for (const { part, node } of this.drawn.values()) {
      if (part.layer === 'line') {
        node.classList.toggle('kn-hover', name !== null && (part.source === name || part.target === name));
      }
    }
  }

  private select(names: string[]): void {
    this.model.set('selection', names);
    this.model.save();
    this.mark();
  }

  private idAt(event: Event): string | null {
    return (event.target as Element).closest<SVGGElement>('[data-id]')?.dataset.id ?? null;
  }

  private nameAt(event: Event): string | null {
    const cell = (event.target as Element).closest<SVGGElement>('[data-key]')?.dataset.key;
    const id = this.idAt(event);
    return cell ?? (id === null ? null : (this.drawn.get(id)?.part.key ?? id));
  }

  private click = (event: Event): void => {
    const name = this.nameAt(event);
    const before = asStrings(this.model.get('selection'));
    this.select(name === null || (before.length === 1 && before[0] === name) ? [] : [name]);
  };

  private key = (event: KeyboardEvent): void => {
    const id = this.idAt(event);
    if (event.key === 'Escape') {
      this.select([]);
    } else if (id !== null && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      this.click(event);
    } else if (id !== null && (event.key === 'ArrowRight' || event.key === 'ArrowLeft')) {
      event.preventDefault();
      event.stopPropagation();
      this.walk(id, event.key === 'ArrowRight');
    }
  };

  /** Moves the focus along a line. */
  private walk(id: string, forward: boolean): void {
    const name = this.drawn.get(id)?.part.key ?? id;
    for (const { part } of this.drawn.values()) {
      if (part.layer === 'line' && (forward ? part.source : part.target) === name) {
        const other = forward ? part.target : part.source;
        for (const found of this.drawn.values()) {
          if (found.part.layer === 'object' && (found.part.key ?? found.part.id) === other) {
            found.node.focus();
            return;
          }
        }
      }
    }
  }
}

export function topology(model: ViewModel, host: HTMLElement): () => void {
  const view = new Topology(model, host);
  return () => view.dispose();
}

/** The anywidget entry: picks the view that the Python side names and gives it a ViewModel. */
import type { ViewModel } from './model';
import { topology } from './views/topology';

interface AnyModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
}

type View = (model: ViewModel, element: HTMLElement) => () => void;

const VIEWS: Record<string, View> = { topology };

function adapt(model: AnyModel): ViewModel {
  return {
    get: name => model.get(name),
    set: (name, value) => model.set(name, value),
    save: () => model.save_changes(),
    on: (name, callback) => {
      model.on(`change:${name}`, callback);
      return () => model.off(`change:${name}`, callback);
    }
  };
}

export default {
  render({ model, el }: { model: AnyModel; el: HTMLElement }): () => void {
    const view = VIEWS[String(model.get('view'))];
    return view ? view(adapt(model), el) : () => undefined;
  }
};

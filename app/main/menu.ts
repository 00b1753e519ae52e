import { Menu, type MenuItemConstructorOptions } from 'electron';

/** Small on purpose: what the window does is in the window. No reload: it would lose the view of a run. */
export function applicationMenu(): Menu {
  const template: MenuItemConstructorOptions[] = [
    { label: '&File', submenu: [{ role: 'quit' }] },
    { label: '&Edit', submenu: [{ role: 'copy' }, { role: 'selectAll' }] },
    {
      label: '&View',
      submenu: [{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { role: 'togglefullscreen' }],
    },
  ];
  return Menu.buildFromTemplate(template);
}

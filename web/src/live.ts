const ID = 'announce';

/**
 * Says something to those who do not see the page.
 *
 * A page has a region for that; where one has none, it is made.
 */
export function announce(text: string): void {
  let region = document.getElementById(ID);
  if (!region) {
    region = document.createElement('div');
    region.id = ID;
    region.className = 'visually-hidden';
    region.setAttribute('role', 'status');
    document.body.append(region);
  }
  const said = region;
  said.textContent = '';
  // A region speaks of changes alone: what is said twice must change twice.
  setTimeout(() => (said.textContent = text), 50);
}

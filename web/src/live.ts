const ID = 'announcement';

/**
 * Says something to those who do not see the page.
 *
 * The region is made when it is first needed, and again where a new page came without it.
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

/** A page that there is, by the name of its screenshots. */
export interface KnownPage {
  name: string;
  path: string;
  /** What must be there before it is looked at. */
  ready: string;
  /** The status that it has. */
  status?: number;
}

/** A site of the demo crawl that many pages link to. */
export const GITHUB = '/report?target=github.com&mode=subdomains';

/** A site whose anchors are hostile. */
export const HOSTILE = '/report?target=hostile.example&mode=subdomains';

/** All pages that a reader can get to, and all states that they can be in. */
export const PAGES: KnownPage[] = [
  { name: 'start', path: '/start', ready: '#target' },
  { name: 'report', path: `${GITHUB}&limit=25`, ready: 'table.report' },
  {
    name: 'report-filtered',
    path: `${GITHUB}&where=refdomain<>"sqlite.org"&having=backlinks>=2,substring(anchor,"a")&order_by=backlinks:desc&limit=25`,
    ready: '.chips',
  },
  {
    name: 'report-since',
    path: '/report?target=sphinx.pocoo.org&mode=domain&history=since:2022-01-01',
    ready: 'table.report',
  },
  { name: 'report-hostile', path: HOSTILE, ready: 'table.report' },
  {
    name: 'refdomains',
    path: '/report/refdomains?target=github.com&mode=subdomains&anchor=source+code',
    ready: 'table.report',
  },
  {
    name: 'backlinks',
    path: '/report/backlinks?target=github.com&mode=subdomains&anchor=source+code&refdomain=awesome-selfhosted.net',
    ready: 'table.report',
  },
  {
    name: 'link',
    path: '/report/link?target=github.com&mode=subdomains&page=https://awesome-selfhosted.net/platforms/docker.html&to=https://github.com/0x2E/fusion&anchor=Source+Code',
    ready: 'table.report',
  },
  {
    name: 'link-hostile',
    path: `/report/link?target=hostile.example&mode=subdomains&page=http://two.example/&to=http://hostile.example/&anchor=${encodeURIComponent("<script>document.title = 'run'</script>")}`,
    ready: 'table.report',
  },
  {
    name: 'changes',
    path: '/report/changes?target=sphinx.pocoo.org&mode=domain',
    ready: 'table.report',
  },
  {
    name: 'pictures',
    path: '/report/pictures?target=github.com&mode=subdomains',
    ready: 'canvas',
  },
  {
    name: 'compare',
    path: '/compare?target=github.com&target=wikipedia.org&target=w3.org',
    ready: '.compare-targets',
  },
  {
    name: 'compare-common',
    path: '/compare?target=sqlite.org&target=python.org&mode=subdomains&show=only-1',
    ready: '.compare-targets',
  },
  { name: 'compare-start', path: '/compare', ready: '.compare-form' },
  { name: 'index', path: '/index', ready: '#page h1' },
  { name: 'export', path: '/export?target=github.com&mode=subdomains', ready: '.formats' },
  {
    name: 'empty-unknown',
    path: '/report?target=nobody.example&mode=subdomains',
    ready: '.notice-empty',
  },
  {
    name: 'empty-no-backlinks',
    path: '/report?target=github.com/no-such-path&mode=exact',
    ready: '.notice-empty',
  },
  {
    name: 'empty-filtered',
    path: `${GITHUB}&having=backlinks>1000000`,
    ready: '.notice-empty',
  },
  { name: 'behind', path: `${GITHUB}&offset=1000000`, ready: '.notice-empty' },
  {
    name: 'error',
    path: `${GITHUB}&where=color=1`,
    ready: '.notice-error',
    status: 400,
  },
];

/**
 * Scripts of the pages: each adds comfort to what works without it.
 *
 * They are modules, which browsers run once the document is there.
 */
import './charts/figure.ts';
import './copy.ts';
import './filters.ts';
import './lazy.ts';
import './locale.ts';
import './recent.ts';
import './recognise.ts';
import './swap.ts';

import { enhance } from './enhance.ts';

enhance(document);

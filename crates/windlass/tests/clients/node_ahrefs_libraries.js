// What node-ahrefs does with a query and an answer, by the libraries that it does it with.
'use strict';

const assert = require('assert');
const request = require('request');
const { parseString } = require('xml2js');

const base = process.argv[2];

function ask(method, query) {
  return new Promise((resolve, reject) => {
    request({ method, url: base + '?' + query }, (error, response, body) =>
      error ? reject(error) : resolve({ status: response.statusCode, body }));
  });
}

function xml(body) {
  return new Promise((resolve, reject) =>
    parseString(body, (error, result) => (error ? reject(error) : resolve(result))));
}

async function main() {
  const query = 'select=anchor%2Cbacklinks&mode=domain&target=github.com&from=anchors&limit=50&token=TOK';
  for (const method of ['GET', 'POST']) {
    const json = JSON.parse((await ask(method, query + '&output=json')).body);
    assert.strictEqual(json.error, undefined);
    assert.strictEqual(json.anchors.length, 50);

    const { AhrefsApiResponse: root } = await xml((await ask(method, query + '&output=xml')).body);
    assert.strictEqual(root.error, undefined);
    assert.deepStrictEqual(Object.keys(root), ['anchors', 'stats']);
    const rows = root.anchors[0].anchor.map(({ anchor, backlinks }) => ({
      // xml2js gives '' for an empty element, and trims nothing else.
      anchor: anchor[0],
      backlinks: Number(backlinks[0]),
    }));
    assert.deepStrictEqual(rows, json.anchors);
    assert.strictEqual(Number(root.stats[0].backlinks[0]), json.stats.backlinks);

    // The client looks at the body alone, whatever the status.
    const wrong = query + '&where=color%3D1&output=';
    const refusedJson = await ask(method, wrong + 'json');
    const refusedXml = await ask(method, wrong + 'xml');
    assert.deepStrictEqual([refusedJson.status, refusedXml.status], [400, 400]);
    const { error } = JSON.parse(refusedJson.body);
    assert.match(error, /^bad where: table 'anchors' has no column 'color'/);
    assert.deepStrictEqual((await xml(refusedXml.body)).AhrefsApiResponse.error, [error]);
  }
  console.log('all right');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

/** First step of the npm scripts: a clear sentence instead of a syntax error on an old Node. Must itself run on any. */
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `Tidemark needs Node 24 or later, and this is ${process.version}. "npm ci" brings one along (the npm package "node"): run it again, ` +
      'without --ignore-scripts or --omit=dev, and start things by npm ("npm test", "npm run tidemark", "npx vitest").\n',
  );
  process.exit(1);
}

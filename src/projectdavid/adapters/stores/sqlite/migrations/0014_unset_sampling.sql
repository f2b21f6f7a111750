-- Unset sampling parameters were stored as their documented defaults. Stored means set from now on.
UPDATE assistants SET body = json_set(body, '$.temperature', NULL) WHERE json_extract(body, '$.temperature') = 1.0;
UPDATE assistants SET body = json_set(body, '$.top_p', NULL) WHERE json_extract(body, '$.top_p') = 1.0;

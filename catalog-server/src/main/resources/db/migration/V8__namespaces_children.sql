-- Not by the domain itself: a plan that was made for one path while there were few namespaces took this index and read
-- all of the domain's. Ids are positive.
DROP INDEX namespaces_children;
CREATE INDEX namespaces_children ON namespaces (coalesce(parent_id, -domain_id), level);

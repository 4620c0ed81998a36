"""Reports of stored results, for people, code hosts and build servers: one page, Markdown, JUnit XML, SARIF, JSON."""

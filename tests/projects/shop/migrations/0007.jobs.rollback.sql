-- Drops all jobs.

DROP TABLE jobs;

-- What a discovery must remember: which listings an operator stated, and since when the last one was looking.

ALTER TABLE channel ADD COLUMN discovered_from timestamptz;
COMMENT ON COLUMN channel.discovered_from IS 'When the last complete discovery began: listings seen since are on the channel.';

ALTER TABLE listing ADD COLUMN pinned boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN listing.pinned IS 'An operator said which SKU it is; discovery does not know better.';

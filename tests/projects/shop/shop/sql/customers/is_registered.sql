-- Whether somebody has registered with an address.
--
-- Waives owner-filter: whoever asks is no customer yet.
SELECT EXISTS (SELECT FROM customers WHERE email = :email);

-- What was said in a dialog, in its order?
SELECT id, sender, text, timestamp FROM dialog_messages WHERE dialog_id = %(dialog_id)s ORDER BY timestamp, id

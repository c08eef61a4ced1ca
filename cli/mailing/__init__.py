"""What a person does about mails: looking for one, settling what is in doubt, telling many, printing letters."""

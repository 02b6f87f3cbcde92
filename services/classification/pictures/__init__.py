"""What is made of pictures: their PDQ hash, and the text that is read in them."""

"""What people read about whole specs: a folder a case, a spec and the text that they see."""

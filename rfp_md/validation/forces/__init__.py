"""Are the forces the gradient of one smooth energy?"""
